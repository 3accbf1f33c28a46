/* SPDX-License-Identifier: Apache-2.0 */
/* make_heft.c - writes small heft files for tests, and checks what files hold. */
#include "make_heft.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "codec/digest_tree.h"
#include "container/verify.h"
#include "container/writer.h"
#include "tensor/dtype.h"

/* --- values --- */

static uint8_t noise(uint32_t seed, uint64_t i)
{
	uint64_t v = (i / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15) + seed;

	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	v ^= v >> 31;
	return (uint8_t)(v >> i % 8 * 8);
}

void make_bytes(const struct make_tensor *t, uint64_t off, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (t->fill == MAKE_ZEROS)
			bytes[i] = 0;
		else if (t->fill == MAKE_PATTERN)
			bytes[i] = (uint8_t)((off + i) / 64 + t->seed);
		else
			bytes[i] = noise(t->seed, off + i);
	}
}

const struct make_tensor make_all[MAKE_ALL_N] = {
	{ "z.last.weight", HEFT_DTYPE_F32, 0, 2, { 37, 11 }, .seed = 1 },
	{ "embed", HEFT_DTYPE_BF16, 0, 2, { 700, 1000 }, .seed = 2, .is_coded = true },
	{ "blocks.0.scale", HEFT_DTYPE_F32, 0, 0, { 0 }, .seed = 3 },
	{ "nothing", HEFT_DTYPE_F16, 0, 2, { 0, 5 }, .seed = 4 },
	{ "lm_head", HEFT_DTYPE_BF16, 0, 2, { 700, 1000 }, .is_tied = true, .of = 1 },
	{ "zeros", HEFT_DTYPE_F32, 0, 1, { 300000 }, .fill = MAKE_ZEROS, .is_coded = true },
	{ "pattern", HEFT_DTYPE_I32, 0, 1, { 600000 }, .fill = MAKE_PATTERN, .is_coded = true },
	{ "same.as.pattern", HEFT_DTYPE_I32, 0, 1, { 600000 }, .shares = true, .of = 6 },
	{ "six", HEFT_DTYPE_F6_E2M3, 0, 1, { 699052 }, .seed = 5 },
	{ "blocks", HEFT_DTYPE_GGML + 12, 0, 2, { 2, 512 }, .seed = 6, .is_coded = true },
	{ "nothing.too", HEFT_DTYPE_F16, 0, 2, { 0, 5 }, .is_tied = true, .of = 3 },
	{ "embed", HEFT_DTYPE_F32, 1, 1, { 1 }, .seed = 7 },
	{ "step", HEFT_DTYPE_I64, 2, 0, { 0 }, .seed = 8 },
	{ "unknown", 0x7777, 0, 1, { 5 }, .n_bytes = 35, .unit = 7, .seed = 9 },
	{ "\xc3\xa9t\xc3\xa9", HEFT_DTYPE_U8, 0, 1, { 3 }, .seed = 10 },
	{ "raw.large", HEFT_DTYPE_F64, 0, 2, { 3, 100000 }, .seed = 11 },
};

/* --- writing --- */

struct making {
	const struct make_heft *m;
	struct heft_listing *tensors;
	struct heft_sink *sink;
	struct heft_container_writer *w;
	struct heft_coder *coder;
	struct heft_sha256 *h;
	bool *is_coded;
	uint64_t *first_leaf;
	uint8_t *leaves;
	uint8_t *room;    /* of one tensor */
	uint8_t *scratch; /* of one tensor */
	struct heft_piece *pieces;
	uint64_t n_leaves;
	uint64_t n_bytes_max;
	uint64_t n_chunks_max;
};

static enum heft_status declare(struct making *k, uint32_t i, struct heft_error *err)
{
	const struct make_tensor *t = &k->m->tensors[i];
	const struct heft_listed row = { .dtype = t->dtype,
		                         .space = t->space,
		                         .rank = t->rank,
		                         .n_bytes = t->n_bytes,
		                         .unit = t->unit };
	struct heft_listed *listed;

	HEFT_TRY(heft_listing_add(k->tensors, t->name, strlen(t->name), t->dims, &row, HEFT_E_USAGE,
	                          HEFT_NO_OFFSET, err));
	listed = heft_listing_row_mut(k->tensors, i);
	if (t->is_tied || t->shares)
		listed->share = heft_listing_row(k->tensors, t->of)->share;
	if (t->is_tied)
		listed->tie = heft_listing_row(k->tensors, t->of)->tie;
	k->is_coded[i] = t->is_coded;
	k->first_leaf[i] = k->n_leaves;
	if (listed->share != i || listed->n_bytes == 0)
		return HEFT_OK;
	k->n_leaves += heft_n_chunks(listed->n_bytes, listed->unit);
	if (k->n_bytes_max < listed->n_bytes)
		k->n_bytes_max = listed->n_bytes;
	if (k->n_chunks_max < heft_n_chunks(listed->n_bytes, listed->unit))
		k->n_chunks_max = heft_n_chunks(listed->n_bytes, listed->unit);
	return HEFT_OK;
}

static enum heft_status declare_all(struct making *k, struct heft_error *err)
{
	HEFT_TRY(heft_listing_new(&k->tensors, err));
	k->is_coded = heft_zalloc_array(k->m->n, sizeof *k->is_coded);
	k->first_leaf = heft_zalloc_array(k->m->n, sizeof *k->first_leaf);
	if (!k->is_coded || !k->first_leaf)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory");
	for (uint32_t i = 0; i < k->m->n; i++)
		HEFT_TRY(declare(k, i, err));
	k->leaves = heft_zalloc_array(k->n_leaves, HEFT_SHA256_SIZE);
	k->room = heft_alloc(k->n_bytes_max);
	k->scratch = heft_alloc_array(k->n_chunks_max, HEFT_CHUNK_MAX);
	k->pieces = heft_zalloc_array(k->n_chunks_max, sizeof *k->pieces);
	if (!k->leaves || !k->room || !k->scratch || !k->pieces)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory");
	HEFT_TRY(heft_coder_new(&k->coder, err));
	return heft_sha256_new(&k->h, err);
}

static enum heft_status put_chunk(struct making *k, uint32_t i, uint64_t chunk_i,
                                  struct heft_error *err)
{
	const struct heft_listed *row = heft_listing_row(k->tensors, i);
	const uint64_t off = chunk_i * heft_chunk_size(row->unit);
	const uint64_t left = row->n_bytes - off;
	struct heft_piece *p = &k->pieces[chunk_i];

	*p = (struct heft_piece){ .tensor_i = i,
		                  .chunk_i = chunk_i,
		                  .off = off,
		                  .bytes = k->room + off,
		                  .n = left < heft_chunk_size(row->unit)
		                               ? (size_t)left
		                               : heft_chunk_size(row->unit) };
	heft_digest_bytes(k->h, HEFT_DOMAIN_LEAF, p->bytes, p->n,
	                  k->leaves + (k->first_leaf[i] + chunk_i) * HEFT_SHA256_SIZE);
	HEFT_TRY(heft_container_encode(k->w, p, k->coder, k->scratch + chunk_i * HEFT_CHUNK_MAX,
	                               err));
	return heft_container_place(k->w, p, err);
}

static enum heft_status put_tensor(struct making *k, uint32_t i, struct heft_error *err)
{
	const struct heft_listed *row = heft_listing_row(k->tensors, i);
	const uint64_t n = row->n_bytes == 0 ? 0 : heft_n_chunks(row->n_bytes, row->unit);

	if (row->share != i || n == 0)
		return HEFT_OK;
	make_bytes(&k->m->tensors[i], 0, k->room, (size_t)row->n_bytes);
	for (uint64_t chunk_i = 0; chunk_i < n; chunk_i++)
		HEFT_TRY(put_chunk(k, i, chunk_i, err));
	for (uint64_t j = 0; j < n; j++)
		HEFT_TRY(heft_container_store(k->w, &k->pieces[k->m->backwards ? n - 1 - j : j],
		                              err));
	return HEFT_OK;
}

static enum heft_status write_file(struct making *k, const char *path, struct heft_error *err)
{
	const struct heft_sink_options options = { .overwrite = true,
		                                   .no_sync = k->m->options.no_sync };
	const struct heft_write_plan plan = {
		.tensors = k->tensors,
		.metadata = k->m->metadata,
		.options = k->m->options,
		.sections = k->m->sections,
		.n_sections = k->m->n_sections,
		.origin = k->m->origin,
		.is_coded = k->m->mixed ? k->is_coded : NULL,
	};

	HEFT_TRY(heft_sink_open(path, &options, &k->sink, err));
	HEFT_TRY(heft_container_begin(&plan, k->sink, &k->w, err));
	for (uint32_t i = 0; i < k->m->n; i++)
		HEFT_TRY(put_tensor(k, i, err));
	return heft_container_finish(k->w, k->leaves, k->first_leaf, err);
}

enum heft_status make_heft_try(const struct make_heft *m, const char *path, struct heft_error *err)
{
	struct making k = { .m = m };
	enum heft_status st = declare_all(&k, err);

	if (st == HEFT_OK)
		st = write_file(&k, path, err);
	heft_container_writer_free(k.w);
	heft_sha256_free(k.h);
	heft_coder_free(k.coder);
	heft_free(k.pieces);
	heft_free(k.scratch);
	heft_free(k.room);
	heft_free(k.leaves);
	heft_free(k.first_leaf);
	heft_free(k.is_coded);
	heft_listing_free(k.tensors);
	if (st == HEFT_OK)
		return heft_sink_commit(k.sink, err);
	heft_sink_discard(k.sink);
	return st;
}

void make_heft(const struct make_heft *m, const char *path)
{
	struct heft_error err;
	const enum heft_status st = make_heft_try(m, path, &err);

	ck_assert_msg(st == HEFT_OK, "%s", st == HEFT_OK ? "" : err.msg);
}

/* --- checking --- */

void made_open(struct made *f, const char *path)
{
	const struct heft_index_options options = { .trust = false };
	struct heft_error err;

	err.msg[0] = '\0';
	ck_assert_msg(heft_source_open(path, true, &f->src, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_msg(heft_index_open(f->src, &options, &f->ix, &err) == HEFT_OK, "%s", err.msg);
}

void made_close(struct made *f)
{
	heft_index_close(f->ix);
	heft_source_close(f->src);
}

static void check_chunk(struct made *f, struct heft_chunk_reader *r, uint32_t row_i,
                        const struct heft_row *row, uint64_t chunk_i, const struct make_tensor *t)
{
	uint8_t *found = malloc(HEFT_CHUNK_MAX);
	uint8_t *wanted = malloc(HEFT_CHUNK_MAX);
	struct heft_error err;
	size_t n;

	(void)f;
	err.msg[0] = '\0';
	ck_assert_msg(heft_chunk_read_hashed(r, row_i, row, chunk_i, true, found, &n, NULL, &err) ==
	                      HEFT_OK,
	              "%s: %s", t->name, err.msg);
	make_bytes(t, chunk_i * row->chunk_size, wanted, n);
	ck_assert_mem_eq(found, wanted, n);
	free(wanted);
	free(found);
}

/* Whose bytes a tensor has. */
static const struct make_tensor *stored_by(const struct make_tensor *tensors, uint32_t i)
{
	while (tensors[i].is_tied || tensors[i].shares)
		i = tensors[i].of;
	return &tensors[i];
}

void made_check(struct made *f, const struct make_tensor *tensors, uint32_t n)
{
	struct heft_chunk_reader *r;
	struct heft_error err;

	ck_assert_uint_eq(heft_index_n_tensors(f->ix), n);
	ck_assert_int_eq(heft_chunk_reader_new(f->ix, &r, &err), HEFT_OK);
	for (uint32_t i = 0; i < n; i++) {
		const struct make_tensor *t = &tensors[i];
		uint64_t dims[HEFT_MAX_RANK];
		struct heft_row row;
		uint32_t row_i;

		ck_assert_int_eq(heft_index_row_at(f->ix, i, &row_i, &err), HEFT_OK);
		ck_assert_int_eq(heft_index_row(f->ix, row_i, &row, &err), HEFT_OK);
		heft_index_dims(f->ix, &row, dims);
		ck_assert_uint_eq(row.name_size, strlen(t->name));
		ck_assert_mem_eq(row.name, t->name, row.name_size);
		ck_assert_uint_eq(row.dtype, t->dtype);
		ck_assert_uint_eq(row.space, t->space);
		ck_assert_uint_eq(row.rank, t->rank);
		ck_assert_mem_eq(dims, t->dims, t->rank * sizeof *dims);
		for (uint64_t k = 0; k < row.n_chunks; k++)
			check_chunk(f, r, row_i, &row, k, stored_by(tensors, i));
	}
	heft_chunk_reader_free(r);
}

static void tell(void *user, const struct heft_fault *fault)
{
	char *told = user;

	snprintf(told, 300, "%s %s at %llu: %s", fault->what, fault->name ? fault->name : "",
	         (unsigned long long)fault->offset, fault->msg);
}

void made_verify(const char *path, bool strict)
{
	const struct heft_verify_options options = { .strict = strict };
	struct heft_verify_report report;
	char told[300] = "";
	struct heft_error err;
	struct made f;

	made_open(&f, path);
	ck_assert_int_eq(heft_index_verify(f.ix, &options, tell, told, &report, &err), HEFT_OK);
	ck_assert_msg(report.ok, "%s: %s", path, told);
	made_close(&f);
}
