/* SPDX-License-Identifier: Apache-2.0 */
/* find_file.c - looks for the file of weights in a folder. */
#include "weights/find_file.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/folder.h"
#include "format/format.h"

#define MAX_SHOWN 4u

/* Names in the folder: of those, some are enough to say what is wrong. */
struct names {
	char *names[MAX_SHOWN]; /* the first ones in the order of their bytes */
	size_t n;               /* of all */
};

struct search {
	struct names indexes;
	struct names files; /* of other formats */
};

static void names_done(struct names *s)
{
	for (size_t i = 0; i < MAX_SHOWN; i++)
		heft_free(s->names[i]);
}

static bool keep(struct names *s, const char *name)
{
	size_t n_kept = s->n < MAX_SHOWN ? s->n : MAX_SHOWN;
	size_t at = n_kept;
	char *copy;

	s->n++;
	while (at > 0 && strcmp(name, s->names[at - 1]) < 0)
		at--;
	if (at == MAX_SHOWN)
		return true;
	copy = heft_strdup(name);
	if (!copy)
		return false;
	if (n_kept == MAX_SHOWN)
		heft_free(s->names[--n_kept]);
	memmove(s->names + at + 1, s->names + at, (n_kept - at) * sizeof *s->names);
	s->names[at] = copy;
	return true;
}

static enum heft_status note_name(void *ctx, const char *name, struct heft_error *err)
{
	struct search *search = ctx;
	const struct heft_format *f = heft_format_by_path(name);

	/* A hidden file is nobody's model: a temporary one, or what an archive left. */
	if (!f || !(f->caps & HEFT_FORMAT_READ) || name[0] == '.')
		return HEFT_OK;
	if (!keep(f->set ? &search->indexes : &search->files, name))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a name");
	return HEFT_OK;
}

static enum heft_status several(const struct names *s, struct heft_error *err)
{
	struct heft_buffer list;
	enum heft_status st;

	heft_buffer_init(&list);
	for (size_t i = 0; i < s->n && i < MAX_SHOWN; i++)
		heft_buffer_addf(&list, "%s %.40s", i > 0 ? "," : "", s->names[i]);
	if (s->n > MAX_SHOWN)
		heft_buffer_addf(&list, ", ...");
	st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	               "a folder with %zu files of weights, of which one is to be named:%.*s", s->n,
	               (int)list.size, list.size > 0 ? (const char *)list.bytes : "");
	heft_buffer_done(&list);
	return st;
}

static enum heft_status choose(const struct search *search, const char *folder, char **path,
                               struct heft_error *err)
{
	const struct names *s = search->indexes.n > 0 ? &search->indexes : &search->files;

	if (s->n == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a folder without a file of weights");
	if (s->n > 1)
		return several(s, err);
	*path = heft_path_join(folder, s->names[0]);
	return *path ? HEFT_OK
	             : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
}

enum heft_status heft_find_file(const char *folder, char **path, struct heft_error *err)
{
	struct search search = { .indexes = { .n = 0 } };
	enum heft_status st = heft_folder_walk(folder, note_name, &search, err);

	if (st == HEFT_OK)
		st = choose(&search, folder, path, err);
	names_done(&search.indexes);
	names_done(&search.files);
	return st;
}
