/* SPDX-License-Identifier: Apache-2.0 */
/* torch_zip.c - PyTorch's zip archives: the pickles of tensors and constants, and the records that
 * hold the storages (spec/foreign/pytorch.md, section 1). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "format/torch_file.h"

#define QUOTED 80 /* bytes of a name in a message */
#define LOCAL_SIZE 30u
#define MAX_LOOKED_AT 16 /* headers of folders in front of the first file */

/* A member below the archive's folder, by its name there. */
struct entry {
	const char *name;
	size_t name_size;
	uint32_t member;
};

struct archive {
	struct heft_torch_file *f;
	struct entry *entries; /* by name */
	size_t n_entries;
	struct heft_buffer key; /* of the record that is looked for */
};

/* --- probing --- */

static bool is(const char *name, size_t size, const char *what)
{
	return strlen(what) == size && memcmp(name, what, size) == 0;
}

static bool begins_with(const char *name, size_t size, const char *what)
{
	return size >= strlen(what) && memcmp(name, what, strlen(what)) == 0;
}

/* Names that PyTorch gives to members of the archive's folder; any of them may come first. */
static bool is_usual(const char *name, size_t size)
{
	static const char *const files[] = { "data.pkl",           "constants.pkl",  "version",
		                             "byteorder",          "bytecode.pkl",   "model.json",
		                             ".storage_alignment", ".format_version" };
	static const char *const folders[] = { "data/",    "constants/", "code/",
		                               "tensors/", "extra/",     ".data/" };

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (is(name, size, files[i]))
			return true;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		if (begins_with(name, size, folders[i]))
			return true;
	return false;
}

static bool is_array(const char *name, size_t size)
{
	return size >= 4 && memcmp(name + size - 4, ".npy", 4) == 0;
}

/* The name of the first member that is no folder, as far as it lies in the head. */
static const char *first_name(const uint8_t *head, size_t n, size_t *size)
{
	size_t at = 0;

	for (int i = 0; i < MAX_LOOKED_AT && n - at > LOCAL_SIZE; i++) {
		const uint8_t *local = head + at;
		const char *name = (const char *)local + LOCAL_SIZE;

		*size = heft_get_le16(local + 26);
		if (memcmp(local, "PK\3\4", 4) != 0 || *size == 0 || *size > n - at - LOCAL_SIZE)
			return NULL;
		if (name[*size - 1] != '/')
			return name;
		at += LOCAL_SIZE + *size;
		if (heft_get_le16(local + 28) > n - at)
			return NULL;
		at += heft_get_le16(local + 28);
	}
	return NULL;
}

unsigned heft_torch_probe_zip(const uint8_t *head, size_t n)
{
	size_t size;
	const char *name = first_name(head, n, &size);
	const char *slash = name ? memchr(name, '/', size) : NULL;
	size_t folder_size;

	if (!slash || slash == name || is_array(name, size))
		return 0;
	folder_size = (size_t)(slash + 1 - name);
	return is_usual(name + folder_size, size - folder_size) ? 64 : 0;
}

/* --- members --- */

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
}

/* How long DIR/ is in DIR/data.pkl; 0: it is no such name. */
static size_t folder_of(const struct heft_zip_member *m)
{
	const char *slash = memchr(m->name, '/', m->name_size);
	const size_t size = slash ? (size_t)(slash + 1 - m->name) : 0;

	return size > 1 && is(m->name + size, m->name_size - size, "data.pkl") ? size : 0;
}

/* Y1-1: the one folder with a data.pkl in it. */
static enum heft_status find_folder(const struct heft_zip *z, const char **folder, size_t *size,
                                    struct heft_error *err)
{
	*folder = NULL;
	*size = 0;
	for (uint32_t i = 0; i < heft_zip_n_members(z); i++) {
		const struct heft_zip_member *m = heft_zip_member(z, i);

		if (folder_of(m) == 0)
			continue;
		if (*folder)
			return heft_fail(err, HEFT_E_CORRUPT, m->header_off,
			                 "two folders of the archive have a data.pkl");
		*folder = m->name;
		*size = folder_of(m);
	}
	if (*folder)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_NOT_FORMAT, 0,
	                 "a zip archive without a FOLDER/data.pkl is no PyTorch file");
}

static int compare_names(const struct entry *a, const struct entry *b)
{
	const size_t n = a->name_size < b->name_size ? a->name_size : b->name_size;
	const int order = memcmp(a->name, b->name, n);

	if (order != 0)
		return order;
	return (a->name_size > b->name_size) - (a->name_size < b->name_size);
}

static int compare_entries(const void *a, const void *b)
{
	return compare_names(a, b);
}

static enum heft_status list_entries(struct archive *a, struct heft_error *err)
{
	const struct heft_zip *z = a->f->zip;
	const uint32_t n = heft_zip_n_members(z);
	const char *folder;
	size_t size;

	HEFT_TRY(find_folder(z, &folder, &size, err));
	a->entries = heft_alloc_array(n, sizeof *a->entries);
	if (!a->entries)
		return no_memory(err);
	for (uint32_t i = 0; i < n; i++) {
		const struct heft_zip_member *m = heft_zip_member(z, i);

		if (m->name_size > size && memcmp(m->name, folder, size) == 0)
			a->entries[a->n_entries++] = (struct entry){ .name = m->name + size,
				                                     .name_size = m->name_size -
				                                                  size,
				                                     .member = i };
	}
	qsort(a->entries, a->n_entries, sizeof *a->entries, compare_entries);
	return HEFT_OK;
}

static const struct heft_zip_member *find_member(const struct archive *a, const char *name,
                                                 size_t name_size, uint32_t *i)
{
	const struct entry key = { .name = name, .name_size = name_size };
	const struct entry *found = bsearch(&key, a->entries, a->n_entries, sizeof *a->entries,
	                                    compare_entries);

	if (!found)
		return NULL;
	*i = found->member;
	return heft_zip_member(a->f->zip, *i);
}

/* The CRC of stored bytes is left to whoever verifies: 0 may stand for none. */
static enum heft_status read_member(const struct archive *a, uint32_t i, void *dst, size_t n,
                                    struct heft_error *err)
{
	const struct heft_zip_member *m = heft_zip_member(a->f->zip, i);

	if (m->is_deflated)
		return heft_zip_read(a->f->zip, i, 0, dst, n, err);
	return heft_source_read(a->f->src, m->data_off, dst, n, err);
}

/* --- opening --- */

static enum heft_status read_byte_order(struct archive *a, struct heft_error *err)
{
	const struct heft_zip_member *m;
	char text[7];
	uint32_t i;

	m = find_member(a, "byteorder", 9, &i);
	if (!m)
		return HEFT_OK;
	if (m->size < sizeof text) {
		HEFT_TRY(read_member(a, i, text, (size_t)m->size, err));
		a->f->is_big_endian = is(text, (size_t)m->size, "big");
		if (a->f->is_big_endian || is(text, (size_t)m->size, "little"))
			return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_UNSUPPORTED, m->data_off,
	                 "the byte order is neither little nor big");
}

/* Does nothing where there is no such member. */
static enum heft_status read_pickle(struct archive *a, const char *name,
                                    struct heft_torch_pickle *out, struct heft_error *err)
{
	const struct heft_zip_member *m;
	size_t n_used;
	uint32_t i;

	m = find_member(a, name, strlen(name), &i);
	if (!m)
		return HEFT_OK;
	if (m->size > HEFT_TORCH_PICKLE_MAX)
		return heft_fail(err, HEFT_E_LIMIT, m->data_off,
		                 "the pickle is larger than 256 MiB");
	out->bytes = heft_alloc((size_t)m->size);
	if (!out->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a pickle");
	HEFT_TRY(read_member(a, i, out->bytes, (size_t)m->size, err));
	a->f->pickles[a->f->n_pickles++] = i;
	return heft_pickle_parse(out->bytes, (size_t)m->size, m->data_off, NULL, &out->values,
	                         &n_used, NULL, err);
}

static enum heft_status find_record(struct archive *a, const struct heft_torch_storage *s,
                                    struct heft_torch_record *r, struct heft_error *err)
{
	const char *folder = s->is_constant ? "constants/" : "data/";
	const struct heft_zip_member *m;

	a->key.size = 0;
	heft_buffer_add(&a->key, folder, strlen(folder));
	heft_buffer_add(&a->key, s->key, strlen(s->key));
	if (!a->key.ok)
		return no_memory(err);
	m = find_member(a, (const char *)a->key.bytes, a->key.size, &r->member);
	if (m) {
		r->off = m->data_off;
		r->size = m->size;
		r->is_deflated = m->is_deflated;
	} else {
		r->member = HEFT_TORCH_NO_MEMBER;
		if (s->n_bytes > 0)
			return heft_fail(err, HEFT_E_CORRUPT, s->at,
			                 "the archive has no record '%s%.*s'", folder, QUOTED,
			                 s->key);
	}
	return heft_torch_check_record(s, r, err);
}

static enum heft_status find_records(struct archive *a, struct heft_error *err)
{
	struct heft_torch_file *f = a->f;

	f->records = heft_zalloc_array(f->model.n_storages, sizeof *f->records);
	if (!f->records)
		return no_memory(err);
	for (uint32_t i = 0; i < f->model.n_storages; i++)
		HEFT_TRY(find_record(a, &f->model.storages[i], &f->records[i], err));
	return HEFT_OK;
}

static enum heft_status read_archive(struct archive *a, const struct heft_limits *limits,
                                     struct heft_error *err)
{
	struct heft_torch_pickle main = { .bytes = NULL };
	struct heft_torch_pickle constants = { .bytes = NULL };
	enum heft_status st = read_pickle(a, "data.pkl", &main, err);

	if (st == HEFT_OK)
		st = read_pickle(a, "constants.pkl", &constants, err);
	if (st == HEFT_OK)
		st = heft_torch_collect(main.values, constants.values, limits, &a->f->model, err);
	heft_torch_pickle_done(&constants);
	heft_torch_pickle_done(&main);
	return st == HEFT_OK ? find_records(a, err) : st;
}

enum heft_status heft_torch_open_zip(struct heft_torch_file *f, const struct heft_limits *limits,
                                     struct heft_error *err)
{
	struct archive a = { .f = f };
	enum heft_status st;

	HEFT_TRY(heft_zip_open(f->src, NULL, &f->zip, err));
	heft_buffer_init(&a.key);
	st = list_entries(&a, err);
	if (st == HEFT_OK)
		st = read_byte_order(&a, err);
	if (st == HEFT_OK)
		st = read_archive(&a, limits, err);
	heft_buffer_done(&a.key);
	heft_free(a.entries);
	return st;
}
