/* SPDX-License-Identifier: Apache-2.0 */
/* torch_legacy.c - PyTorch's files from before 1.6: pickles one behind the other, and the storages
 * behind them (spec/foreign/pytorch.md, Y1-2). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/torch_file.h"

#define FIRST_READ 4096u /* bytes, for a pickle whose size nobody tells */
#define MORE 8u          /* times as many when it is larger */
#define PROTOCOL 1001
#define QUOTED 80 /* bytes of a key in a message */

/* 0x1950A86A20F9469CFC6C, as a pickle of protocol 2 or later has it: LONG1 of ten bytes. */
static const uint8_t magic_opcode[] = { 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
	                                0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };
#define MAGIC (magic_opcode + 2)
#define MAGIC_SIZE (sizeof magic_opcode - 2)
static const char magic_text[] = "L119547037146038801333356L\n"; /* of protocols 0 and 1 */

#define OPCODE_PROTO 0x80
#define OPCODE_FRAME 0x95

/* What stands where in a file that is read from its begin to its end. */
struct legacy {
	struct heft_torch_file *f;
	uint64_t at; /* what comes next */
	uint64_t size;
	const struct heft_torch_storage **by_key;
	bool *is_read; /* of each storage */
};

/* --- probing --- */

/* How many bytes of a pickle are no value: the protocol and the frame's head; 0: it says no
 * protocol that has them. */
static size_t opening_size(const uint8_t *head, size_t n)
{
	if (n < 3 || head[0] != OPCODE_PROTO || head[1] < 2 || head[1] > 5)
		return 0;
	return head[2] == OPCODE_FRAME ? 11 : 2;
}

static bool is_at(const uint8_t *head, size_t n, size_t at, const void *what, size_t size)
{
	return n >= size && at <= n - size && memcmp(head + at, what, size) == 0;
}

unsigned heft_torch_probe_legacy(const uint8_t *head, size_t n)
{
	const size_t skip = opening_size(head, n);
	const bool is_legacy = skip > 0 ? is_at(head, n, skip, magic_opcode, sizeof magic_opcode)
	                                : is_at(head, n, 0, magic_text, sizeof magic_text - 1);

	return is_legacy ? 112 : 0;
}

/* Whether a value may begin so: it makes a container, a text, a number or names a global. */
static bool begins_value(uint8_t opcode)
{
	return opcode != 0 && strchr("(]})cXUBCKMJGTLIFNlt\x8a\x8b\x8c\x8d\x8e\x88\x89", opcode);
}

/* Of a tar archive, the names of the members that PyTorch began with. */
static bool is_tar(const uint8_t *head, size_t n)
{
	static const char *const names[] = { "storages", "tensors", "pickle" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (is_at(head, n, 257, "ustar", 5) &&
		    is_at(head, n, 0, names[i], strlen(names[i]) + 1))
			return true;
	return false;
}

unsigned heft_torch_probe_other(const uint8_t *head, size_t n, const char **what)
{
	const size_t skip = opening_size(head, n);

	if (is_tar(head, n)) {
		*what = "PyTorch's tar archives, from before 0.1.10, are not read";
		return 64;
	}
	if (skip > 0 && skip < n && begins_value(head[skip])) {
		*what = "a lone pickle holds no storages of PyTorch, and is not read";
		return 20;
	}
	return 0;
}

/* --- pickles --- */

void heft_torch_pickle_done(struct heft_torch_pickle *p)
{
	heft_pickle_free(p->values);
	heft_free(p->bytes);
	*p = (struct heft_torch_pickle){ .bytes = NULL };
}

/* Reads and parses n bytes; *is_cut: they end before the pickle does. */
static enum heft_status parse(struct legacy *l, size_t n, struct heft_torch_pickle *p,
                              size_t *n_used, bool *is_cut, struct heft_error *err)
{
	*is_cut = false;
	p->bytes = heft_alloc(n);
	if (!p->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a pickle");
	HEFT_TRY(heft_source_read(l->f->src, l->at, p->bytes, n, err));
	return heft_pickle_parse(p->bytes, n, l->at, NULL, &p->values, n_used, is_cut, err);
}

/* The next pickle. Nobody tells its size, so more is read until it is whole. */
static enum heft_status next_pickle(struct legacy *l, struct heft_torch_pickle *p,
                                    struct heft_error *err)
{
	const uint64_t left = l->size - l->at;
	const uint64_t most = left < HEFT_TORCH_PICKLE_MAX ? left : HEFT_TORCH_PICKLE_MAX;
	uint64_t n = FIRST_READ;
	enum heft_status st;
	size_t n_used;
	bool is_cut;

	for (;;) {
		n = n < most ? n : most;
		st = parse(l, (size_t)n, p, &n_used, &is_cut, err);
		if (st == HEFT_OK) {
			l->at += n_used;
			return HEFT_OK;
		}
		if (!is_cut || n == left)
			return st;
		if (n == HEFT_TORCH_PICKLE_MAX)
			return heft_fail(err, HEFT_E_LIMIT, l->at,
			                 "the pickle is larger than 256 MiB");
		heft_torch_pickle_done(p);
		n *= MORE;
	}
}

static bool is_magic(const struct heft_pickle *p)
{
	const heft_pickle_ref root = heft_pickle_root(p);
	const uint8_t *bytes;
	size_t size;

	if (heft_pickle_kind(p, root) != HEFT_PICKLE_BIG)
		return false;
	bytes = heft_pickle_bytes(p, root, &size);
	return size == MAGIC_SIZE && memcmp(bytes, MAGIC, size) == 0;
}

static bool is_protocol(const struct heft_pickle *p)
{
	const heft_pickle_ref root = heft_pickle_root(p);

	return heft_pickle_kind(p, root) == HEFT_PICKLE_INT && heft_pickle_int(p, root) == PROTOCOL;
}

/* The pickles before the value. What they say of the machine's byte order is of no consequence: the
 * storages are little-endian whatever machine wrote them. */
static enum heft_status skip_head(struct legacy *l, struct heft_error *err)
{
	struct heft_torch_pickle p = { .bytes = NULL };
	enum heft_status st = next_pickle(l, &p, err);

	if (st == HEFT_OK && !is_magic(p.values))
		st = heft_fail(err, HEFT_E_NOT_FORMAT, 0,
		               "it does not begin as PyTorch's files from before 1.6 do");
	heft_torch_pickle_done(&p);
	if (st == HEFT_OK)
		st = next_pickle(l, &p, err);
	if (st == HEFT_OK && !is_protocol(p.values))
		st = heft_fail(err, HEFT_E_UNSUPPORTED,
		               heft_pickle_at(p.values, heft_pickle_root(p.values)),
		               "the protocol is not 1001");
	heft_torch_pickle_done(&p);
	if (st == HEFT_OK)
		st = next_pickle(l, &p, err);
	heft_torch_pickle_done(&p);
	return st;
}

/* --- storages --- */

/* A key that is looked for, of any bytes. */
struct key {
	const uint8_t *bytes;
	size_t size;
};

static int compare_key(const void *key, const void *item)
{
	const struct key *k = key;
	const struct heft_torch_storage *const *s = item;
	const size_t size = strlen((*s)->key);
	const int order = memcmp(k->bytes, (*s)->key, k->size < size ? k->size : size);

	return order != 0 ? order : (k->size > size) - (k->size < size);
}

static int compare_storages(const void *a, const void *b)
{
	const struct heft_torch_storage *const *left = a;
	const struct heft_torch_storage *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

static enum heft_status sort_storages(struct legacy *l, struct heft_error *err)
{
	const struct heft_torch_model *model = &l->f->model;

	l->by_key = heft_alloc_array(model->n_storages, sizeof *l->by_key);
	l->is_read = heft_zalloc_array(model->n_storages, sizeof *l->is_read);
	l->f->records = heft_zalloc_array(model->n_storages, sizeof *l->f->records);
	if (!l->by_key || !l->is_read || !l->f->records)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	for (uint32_t i = 0; i < model->n_storages; i++)
		l->by_key[i] = &model->storages[i];
	qsort(l->by_key, model->n_storages, sizeof *l->by_key, compare_storages);
	return HEFT_OK;
}

/* Bytes of what the storage is counted in. */
static uint64_t unit_of(const struct heft_torch_storage *s)
{
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)s->dtype);

	return info ? info->n_bytes : 1;
}

static enum heft_status read_size(struct legacy *l, const struct heft_torch_storage *s,
                                  uint64_t *size, struct heft_error *err)
{
	uint8_t number[8];

	if (!heft_in_range(l->at, sizeof number, l->size))
		return heft_fail(err, HEFT_E_CORRUPT, l->size,
		                 "the file ends before the storage '%.*s'", QUOTED, s->key);
	HEFT_TRY(heft_source_read(l->f->src, l->at, number, sizeof number, err));
	if (!heft_mul_u64(heft_get_le64(number), unit_of(s), size) ||
	    *size > l->size - l->at - sizeof number)
		return heft_fail(err, HEFT_E_CORRUPT, l->at,
		                 "the storage '%.*s' reaches past the end of the file", QUOTED,
		                 s->key);
	l->at += sizeof number;
	return HEFT_OK;
}

/* The storage that the next key of the list names. */
static enum heft_status read_storage(struct legacy *l, const struct heft_pickle *keys,
                                     heft_pickle_ref v, struct heft_error *err)
{
	const struct heft_torch_model *model = &l->f->model;
	const struct heft_torch_storage **found;
	struct heft_torch_record *r;
	struct key key;
	size_t i;

	if (heft_pickle_kind(keys, v) != HEFT_PICKLE_TEXT &&
	    heft_pickle_kind(keys, v) != HEFT_PICKLE_BYTES)
		return heft_fail(err, HEFT_E_CORRUPT, heft_pickle_at(keys, v),
		                 "the key of a storage is no text");
	key.bytes = heft_pickle_bytes(keys, v, &key.size);
	found = bsearch(&key, l->by_key, model->n_storages, sizeof *l->by_key, compare_key);
	if (!found)
		return heft_fail(err, HEFT_E_CORRUPT, heft_pickle_at(keys, v),
		                 "nothing says of what the storage '%.*s' is",
		                 key.size < QUOTED ? (int)key.size : QUOTED,
		                 (const char *)key.bytes);
	i = (size_t)(*found - model->storages);
	if (l->is_read[i])
		return heft_fail(err, HEFT_E_CORRUPT, heft_pickle_at(keys, v),
		                 "the storage '%.*s' is listed twice", QUOTED, (*found)->key);
	l->is_read[i] = true;
	r = &l->f->records[i];
	r->member = HEFT_TORCH_NO_MEMBER;
	HEFT_TRY(read_size(l, *found, &r->size, err));
	r->off = l->at;
	l->at += r->size;
	return heft_torch_check_record(*found, r, err);
}

static enum heft_status check_all(const struct legacy *l, struct heft_error *err)
{
	const struct heft_torch_model *model = &l->f->model;

	for (uint32_t i = 0; i < model->n_storages; i++) {
		const struct heft_torch_storage *s = &model->storages[i];

		if (!l->is_read[i] && s->n_bytes > 0)
			return heft_fail(err, HEFT_E_CORRUPT, s->at,
			                 "the file has no storage '%.*s'", QUOTED, s->key);
	}
	if (l->at == l->size)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, l->at, "bytes follow behind the last storage");
}

static enum heft_status read_storages(struct legacy *l, const struct heft_pickle *keys,
                                      struct heft_error *err)
{
	const heft_pickle_ref root = heft_pickle_root(keys);

	if (heft_pickle_kind(keys, root) != HEFT_PICKLE_LIST)
		return heft_fail(err, HEFT_E_CORRUPT, heft_pickle_at(keys, root),
		                 "the keys of the storages are no list");
	HEFT_TRY(sort_storages(l, err));
	for (uint32_t i = 0; i < heft_pickle_n_items(keys, root); i++)
		HEFT_TRY(read_storage(l, keys, heft_pickle_item(keys, root, i), err));
	return check_all(l, err);
}

/* --- opening --- */

static enum heft_status read_value(struct legacy *l, const struct heft_limits *limits,
                                   struct heft_error *err)
{
	struct heft_torch_pickle p = { .bytes = NULL };
	enum heft_status st = next_pickle(l, &p, err);

	if (st == HEFT_OK)
		st = heft_torch_collect(p.values, NULL, limits, &l->f->model, err);
	heft_torch_pickle_done(&p);
	if (st == HEFT_OK)
		st = next_pickle(l, &p, err);
	if (st == HEFT_OK)
		st = read_storages(l, p.values, err);
	heft_torch_pickle_done(&p);
	return st;
}

enum heft_status heft_torch_open_legacy(struct heft_torch_file *f, const struct heft_limits *limits,
                                        struct heft_error *err)
{
	struct legacy l = { .f = f, .size = heft_source_size(f->src) };
	enum heft_status st = skip_head(&l, err);

	if (st == HEFT_OK)
		st = read_value(&l, limits, err);
	heft_free(l.by_key);
	heft_free(l.is_read);
	return st;
}
