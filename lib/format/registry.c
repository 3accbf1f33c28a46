/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - the formats that this library was built with, and which of them a file is. */
#include <string.h>

#include "base/error.h"
#include "container/layout.h"
#include "format/format.h"

#define HEFT_FORMAT(name) extern const struct heft_format heft_format_##name;
#include "format/format_list.inc"
#undef HEFT_FORMAT

#define HEFT_FORMAT(name) &heft_format_##name,
static const struct heft_format *const formats[] = {
#include "format/format_list.inc"
};
#undef HEFT_FORMAT

#define N_FORMATS (sizeof formats / sizeof *formats)
#define MAX_HEAD HEFT_DATA_START /* the most that a format looks at */

const struct heft_format *heft_format_get(uint32_t i)
{
	return i < N_FORMATS ? formats[i] : NULL;
}

const struct heft_format *heft_format_by_name(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++) {
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	}
	return NULL;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Extensions are lower case; in a path the case does not count. */
static bool ends_with(const char *path, const char *ext, size_t ext_size)
{
	const size_t path_size = strlen(path);

	if (path_size <= ext_size)
		return false;
	for (size_t i = 0; i < ext_size; i++) {
		if (lower(path[path_size - ext_size + i]) != ext[i])
			return false;
	}
	return true;
}

static bool has_extension(const struct heft_format *f, const char *path)
{
	for (const char *ext = f->ext; *ext;) {
		const size_t ext_size = strcspn(ext, " ");

		if (ends_with(path, ext, ext_size))
			return true;
		ext += ext_size;
		ext += strspn(ext, " ");
	}
	return false;
}

const struct heft_format *heft_format_by_path(const char *path)
{
	for (size_t i = 0; i < N_FORMATS; i++) {
		if (has_extension(formats[i], path))
			return formats[i];
	}
	return NULL;
}

const struct heft_format *heft_format_set_of(const struct heft_format *f)
{
	for (size_t i = 0; i < N_FORMATS; i++) {
		if (formats[i]->set &&
		    (formats[i] == f || strcmp(formats[i]->set->shard_format, f->name) == 0))
			return formats[i];
	}
	return NULL;
}

/* A page that the system cannot read counts as zeros as long as the other one can be read: a heft
 * file has its magic in two places for that. */
static enum heft_status read_head(struct heft_source *src, uint8_t *head, size_t n,
                                  struct heft_error *err)
{
	enum heft_status st = HEFT_OK;
	size_t n_read = 0;

	for (size_t at = 0; at < n; at += HEFT_PAGE_SIZE) {
		const size_t size = n - at < HEFT_PAGE_SIZE ? n - at : HEFT_PAGE_SIZE;
		const enum heft_status page_st = heft_source_read(src, at, head + at, size, err);

		if (page_st == HEFT_OK) {
			n_read += size;
		} else {
			st = page_st;
			memset(head + at, 0, size);
		}
	}
	return n_read > 0 ? HEFT_OK : st;
}

enum heft_status heft_format_probe(struct heft_source *src, const struct heft_format **out,
                                   struct heft_error *err)
{
	const uint64_t file_size = heft_source_size(src);
	const size_t n = file_size < MAX_HEAD ? (size_t)file_size : MAX_HEAD;
	const struct heft_format *found = NULL;
	unsigned best = 0;
	uint8_t head[MAX_HEAD];

	HEFT_TRY(read_head(src, head, n, err));
	for (size_t i = 0; i < N_FORMATS; i++) {
		const struct heft_format *f = formats[i];
		const unsigned bits = f->probe(head, n < f->head_size ? n : f->head_size,
		                               file_size);

		if (bits > best) {
			best = bits;
			found = f;
		}
	}
	if (!found)
		return heft_fail(err, HEFT_E_NOT_FORMAT, 0, "no format recognises the file");
	*out = found;
	return HEFT_OK;
}
