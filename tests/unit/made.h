/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made.h - a small file of weights, written through the vtable of a format.
 *
 *	made_init(&m);
 *	made_add(&m, "w", HEFT_DTYPE_F32, 2, 3, 4);
 *	made_write(&m, "heft", path);
 *	made_done(&m);
 */
#ifndef HEFT_MADE_H
#define HEFT_MADE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "codec/digest_tree.h"
#include "format/format.h"
#include "tensor/dtype.h"

#define MADE_MAX_TENSORS 64u
#define MADE_MAX_LEAVES 256u

struct made {
	struct heft_listing *tensors;
	struct heft_write_plan plan;
};

static inline void made_init(struct made *m)
{
	memset(m, 0, sizeof *m);
	ck_assert_int_eq(heft_listing_new(&m->tensors, NULL), HEFT_OK);
	m->plan.tensors = m->tensors;
}

static inline void made_done(struct made *m)
{
	heft_listing_free(m->tensors);
}

/* Of a rank up to 3; the third dimension is 3. */
static inline void made_add_in(struct made *m, const char *name, unsigned dtype, uint8_t space,
                               uint8_t rank, uint64_t d0, uint64_t d1)
{
	const uint64_t dims[] = { d0, d1, 3 };
	const struct heft_listed row = {
		.dtype = (uint16_t)dtype, .rank = rank, .space = space, .unit = 1
	};

	ck_assert_int_eq(heft_listing_add(m->tensors, name, strlen(name), dims, &row, HEFT_E_USAGE,
	                                  0, NULL),
	                 HEFT_OK);
}

static inline void made_add(struct made *m, const char *name, unsigned dtype, uint8_t rank,
                            uint64_t d0, uint64_t d1)
{
	made_add_in(m, name, dtype, HEFT_SPACE_WEIGHTS, rank, d0, d1);
}

/* Byte `off` of tensor i. */
static inline uint8_t made_byte(uint32_t i, uint64_t off)
{
	return (uint8_t)(i + 1 + off / 251);
}

/* What goes through a writer. */
struct made_run {
	const struct made *m;
	const struct heft_format *f;
	void *w;
	struct heft_coder *coder;
	struct heft_sha256 *h;
	uint8_t *bytes;
	uint8_t *scratch;
	uint8_t leaves[MADE_MAX_LEAVES][HEFT_SHA256_SIZE];
	uint64_t first_leaf[MADE_MAX_TENSORS];
	uint32_t order[MADE_MAX_TENSORS];
	uint64_t n_leaves;
};

static inline void made_write_tensor(struct made_run *r, uint32_t i)
{
	const struct heft_listed *row = heft_listing_row(r->m->tensors, i);
	const uint32_t chunk_size = heft_chunk_size(row->unit);

	r->first_leaf[i] = r->first_leaf[row->share];
	if (row->share != i && (r->f->caps & HEFT_FORMAT_TIES))
		return;
	r->first_leaf[i] = r->n_leaves;
	for (uint64_t off = 0; off < row->n_bytes; off += chunk_size) {
		struct heft_piece p = { .tensor_i = i, .off = off, .bytes = r->bytes };

		p.chunk_i = off / chunk_size;
		p.n = row->n_bytes - off < chunk_size ? (size_t)(row->n_bytes - off) : chunk_size;
		for (size_t b = 0; b < p.n; b++)
			r->bytes[b] = made_byte(row->share, off + b);
		ck_assert_uint_lt(r->n_leaves, MADE_MAX_LEAVES);
		heft_digest_bytes(r->h, HEFT_DOMAIN_LEAF, p.bytes, p.n, r->leaves[r->n_leaves++]);
		ck_assert_int_eq(r->f->encode(r->w, &p, r->coder, r->scratch, NULL), HEFT_OK);
		ck_assert_int_eq(r->f->place(r->w, &p, NULL), HEFT_OK);
		ck_assert_int_eq(r->f->store(r->w, &p, NULL), HEFT_OK);
	}
}

static inline void made_write(const struct made *m, const char *format, const char *path)
{
	const struct heft_sink_options options = { .overwrite = true, .no_sync = true };
	struct made_run r = { .m = m, .f = heft_format_by_name(format) };
	struct heft_sink *sink;

	ck_assert_int_eq(r.f->check(&m->plan, NULL), HEFT_OK);
	ck_assert_int_eq(heft_sink_open(path, &options, &sink, NULL), HEFT_OK);
	ck_assert_int_eq(r.f->begin(&m->plan, sink, r.order, &r.w, NULL), HEFT_OK);
	ck_assert_int_eq(heft_coder_new(&r.coder, NULL), HEFT_OK);
	ck_assert_int_eq(heft_sha256_new(&r.h, NULL), HEFT_OK);
	r.bytes = malloc(HEFT_CHUNK_MAX);
	r.scratch = malloc(r.f->scratch_size(r.w) + 1);
	ck_assert(r.bytes && r.scratch);
	for (uint32_t i = 0; i < heft_listing_n(m->tensors); i++)
		made_write_tensor(&r, r.order[i]);
	ck_assert_int_eq(r.f->finish(r.w, r.leaves[0], r.first_leaf, NULL), HEFT_OK);
	ck_assert_int_eq(heft_sink_commit(sink, NULL), HEFT_OK);
	r.f->writer_free(r.w);
	heft_coder_free(r.coder);
	heft_sha256_free(r.h);
	free(r.scratch);
	free(r.bytes);
}

#endif
