/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_idx.c - images and labels in IDX files, as MNIST and its kin come: two files
 * PREFIX-images-idx3-ubyte and PREFIX-labels-idx1-ubyte, some with a dot in front of "idx", each as
 * it is or with .gz. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/folder.h"
#include "train/dataset.h"
#include "train/idx.h"

#define USUAL_PREFIX "train"
#define MAX_PREFIXES 8u

/* What is opened. */
struct pair {
	char *images; /* paths; NULL: not found */
	char *labels;
};

struct state {
	struct heft_idx *arrays[2];
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a data set");
}

/* --- names --- */

/* Bytes in front of "-images-idx" or "-labels-idx" in a name of that kind; -1: it is none. `what`
 * is "images" or "labels". */
static ptrdiff_t prefix_size(const char *name, const char *what)
{
	const char *at = strstr(name, what);
	const size_t n = strlen(what);

	for (; at; at = strstr(at + 1, what)) {
		const char *rest = at + n;

		if ((at == name || at[-1] == '-') && (*rest == '-' || *rest == '.') &&
		    strncmp(rest + 1, "idx", 3) == 0)
			return at == name ? 0 : at - name - 1;
	}
	return -1;
}

/* Prefixes that have images, in ascending order. */
struct prefixes {
	const char *wanted; /* all others are passed over; NULL: none is */
	char *names[MAX_PREFIXES];
	uint32_t n;
};

static void prefixes_done(struct prefixes *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		heft_free(p->names[i]);
}

static enum heft_status note_prefix(void *ctx, const char *name, struct heft_error *err)
{
	struct prefixes *p = ctx;
	const ptrdiff_t n = prefix_size(name, "images");
	char *copy;

	if (n < 0 || name[0] == '.' || p->n == MAX_PREFIXES)
		return HEFT_OK;
	if (p->wanted &&
	    (strlen(p->wanted) != (size_t)n || memcmp(p->wanted, name, (size_t)n) != 0))
		return HEFT_OK;
	for (uint32_t i = 0; i < p->n; i++)
		if (strlen(p->names[i]) == (size_t)n && memcmp(p->names[i], name, (size_t)n) == 0)
			return HEFT_OK;
	copy = heft_strndup(name, (size_t)n);
	if (!copy)
		return no_memory(err);
	p->names[p->n++] = copy;
	return HEFT_OK;
}

/* FOLDER/PREFIX, where nothing has that name. The folder is the caller's to free; NULL: no
 * memory. */
static char *folder_of(const char *path, const char **prefix)
{
	const char *slash = strrchr(path, '/');

	*prefix = slash ? slash + 1 : path;
	if (!slash)
		return heft_strdup(".");
	return slash == path ? heft_strdup("/") : heft_strndup(path, (size_t)(slash - path));
}

static enum heft_status find_prefixes(const char *path, bool is_folder, struct prefixes *p,
                                      struct heft_error *err)
{
	char *folder;
	enum heft_status st;

	if (is_folder)
		return heft_folder_walk(path, note_prefix, p, err);
	folder = folder_of(path, &p->wanted);
	if (!folder)
		return no_memory(err);
	/* A folder that is not there has no images. */
	st = heft_is_folder(folder) ? heft_folder_walk(folder, note_prefix, p, err) : HEFT_OK;
	heft_free(folder);
	return st;
}

static enum heft_status idx_probe(const struct heft_dataset_place *place, unsigned *sure,
                                  struct heft_error *err)
{
	struct prefixes p = { .n = 0 };
	enum heft_status st = HEFT_OK;
	bool is_idx;

	if (place->is_file) {
		is_idx = heft_idx_is(place->head, place->head_size);
	} else {
		st = find_prefixes(place->path, place->is_folder, &p, err);
		is_idx = p.n > 0;
		prefixes_done(&p);
	}
	*sure = is_idx ? 32 : 0;
	return st;
}

/* --- which files --- */

static bool is_there(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

/* The file of a prefix in a folder; *path NULL: there is none. */
static enum heft_status find_file(const char *folder, const char *prefix, const char *what,
                                  char **path, struct heft_error *err)
{
	static const char *const forms[] = { "-", "." };
	static const char *const ends[] = { "", ".gz" };

	*path = NULL;
	for (unsigned i = 0; i < 8 && !*path; i++) {
		struct heft_buffer b;
		char *candidate;

		heft_buffer_init(&b);
		heft_buffer_addf(&b, "%s%s%s%sidx%u-ubyte%s", prefix, prefix[0] ? "-" : "", what,
		                 forms[i % 2], strcmp(what, "labels") == 0 ? 1 : 3 + i / 4,
		                 ends[i / 2 % 2]);
		heft_buffer_add_u8(&b, 0);
		candidate = b.ok ? heft_path_join(folder, (const char *)b.bytes) : NULL;
		heft_buffer_done(&b);
		if (!candidate)
			return no_memory(err);
		if (is_there(candidate))
			*path = candidate;
		else
			heft_free(candidate);
	}
	return HEFT_OK;
}

static enum heft_status find_pair(const char *folder, const char *prefix, struct pair *pair,
                                  struct heft_error *err)
{
	HEFT_TRY(find_file(folder, prefix, "images", &pair->images, err));
	HEFT_TRY(find_file(folder, prefix, "labels", &pair->labels, err));
	if (pair->images && pair->labels)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET, "no file '%.60s%s%s-idx%c-ubyte'",
	                 prefix, prefix[0] ? "-" : "", pair->images ? "labels" : "images",
	                 pair->images ? '1' : '3');
}

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text);
	const size_t n_end = strlen(end);

	return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

/* A folder alone means what is to be trained with. */
static enum heft_status choose(const struct prefixes *p, const char **prefix,
                               struct heft_error *err)
{
	uint32_t n_training = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		if (strcmp(p->names[i], USUAL_PREFIX) == 0 || p->n == 1) {
			*prefix = p->names[i];
			return HEFT_OK;
		}
		if (ends_with(p->names[i], "-" USUAL_PREFIX)) {
			*prefix = p->names[i];
			n_training++;
		}
	}
	if (n_training == 1)
		return HEFT_OK;
	if (p->n == 0)
		return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET,
		                 "no file named as in 'train-images-idx3-ubyte'");
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "images of several sets, of which one is to be named, as in FOLDER/%.60s",
	                 p->names[0]);
}

static enum heft_status pair_of_folder(const struct heft_dataset_place *place, struct pair *pair,
                                       struct heft_error *err)
{
	struct prefixes p = { .n = 0 };
	const char *prefix = NULL;
	enum heft_status st = find_prefixes(place->path, place->is_folder, &p, err);
	char *folder = NULL;

	if (st == HEFT_OK)
		st = choose(&p, &prefix, err);
	if (st == HEFT_OK) {
		folder = place->is_folder ? heft_strdup(place->path)
		                          : folder_of(place->path, &p.wanted);
		st = folder ? find_pair(folder, prefix, pair, err) : no_memory(err);
	}
	heft_free(folder);
	prefixes_done(&p);
	return st;
}

/* One file of a pair stands for both; any other IDX file is images alone. */
static enum heft_status pair_of_file(const char *path, struct pair *pair, struct heft_error *err)
{
	const char *name;
	char *folder = folder_of(path, &name);
	ptrdiff_t n = prefix_size(name, "images");
	const bool is_images = n >= 0;
	char *prefix = NULL;
	enum heft_status st;

	if (!is_images)
		n = prefix_size(name, "labels");
	*(is_images || n < 0 ? &pair->images : &pair->labels) = heft_strdup(path);
	if (n >= 0)
		prefix = heft_strndup(name, (size_t)n);
	if (!folder || (n >= 0 && !prefix) || (!pair->images && !pair->labels))
		st = no_memory(err);
	else if (n < 0)
		st = HEFT_OK;
	else
		st = find_file(folder, prefix, is_images ? "labels" : "images",
		               is_images ? &pair->labels : &pair->images, err);
	heft_free(prefix);
	heft_free(folder);
	return st;
}

/* --- the kind --- */

static enum heft_status add_array(struct state *s, struct heft_dataset *ds, const char *name,
                                  const char *path, struct heft_error *err)
{
	struct heft_error why = { .code = HEFT_OK };
	const char *slash = strrchr(path, '/');
	const uint32_t i = ds->n_parts;
	struct heft_idx *x = NULL;
	enum heft_status st = heft_idx_open(path, &x, &why);

	s->arrays[i] = x;
	if (st == HEFT_OK)
		st = heft_dataset_add(ds, name, heft_idx_dtype(x), heft_idx_rank(x),
		                      heft_idx_dims(x), heft_idx_is_packed(x), 4, &why);
	if (st == HEFT_OK)
		return HEFT_OK;
	/* Which of the two, the caller cannot know. */
	return heft_fail(err, st, why.offset, "%.60s: %s", slash ? slash + 1 : path, why.msg);
}

static enum heft_status idx_open(const struct heft_dataset_place *place,
                                 const struct heft_dataset_options *options,
                                 struct heft_dataset *ds, void **st, struct heft_error *err)
{
	struct state *s = heft_zalloc(sizeof *s);
	struct pair pair = { .images = NULL };
	enum heft_status result;

	(void)options;
	if (!s)
		return no_memory(err);
	*st = s;
	result = place->is_file ? pair_of_file(place->path, &pair, err)
	                        : pair_of_folder(place, &pair, err);
	if (result == HEFT_OK && pair.images)
		result = add_array(s, ds, "x", pair.images, err);
	if (result == HEFT_OK && pair.labels)
		result = add_array(s, ds, "y", pair.labels, err);
	heft_free(pair.images);
	heft_free(pair.labels);
	return result;
}

static enum heft_status idx_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                 struct heft_error *err)
{
	const struct state *s = st;

	return heft_idx_read(s->arrays[i], off, dst, n, err);
}

static void idx_close(void *st)
{
	struct state *s = st;

	if (!s)
		return;
	heft_idx_close(s->arrays[0]);
	heft_idx_close(s->arrays[1]);
	heft_free(s);
}

const struct heft_dataset_kind heft_dataset_kind_idx = {
	.name = "idx",
	.probe = idx_probe,
	.open = idx_open,
	.read = idx_read,
	.close = idx_close,
};
