/* SPDX-License-Identifier: Apache-2.0 */
/*
 * npy_file.h - arrays as NumPy writes them, made from the text of their header, and opened.
 *
 *	ck_assert_int_eq(npy_open(&o, 1, NPY_TEXT("<f4", "False", "(2,)"), 8, NULL), HEFT_OK);
 *	...
 *	npy_done(&o);
 */
#ifndef HEFT_NPY_FILE_H
#define HEFT_NPY_FILE_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/npy.h"
#include "scratch.h"
#include "unit.h"

#define NPY_MAX_FILE (20u << 20)

/* The literal of a header, whose type stands in quotes. */
#define NPY_TEXT(descr, order, shape) NPY_LIST("'" descr "'", order, shape)
#define NPY_LIST(descr, order, shape) \
	"{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

struct npy_opened {
	struct scratch scratch;
	struct heft_source *src;
	const struct heft_format *f;
	void *st;
	struct heft_error err;
};

static inline void npy_done(struct npy_opened *o)
{
	o->f->close(o->st);
	heft_source_close(o->src);
	scratch_done(&o->scratch);
}

static inline enum heft_status npy_open_bytes(struct npy_opened *o, const void *bytes, size_t n,
                                              const struct heft_open_options *options)
{
	const char *path;

	memset(o, 0, sizeof *o);
	scratch_init(&o->scratch);
	path = scratch_path(&o->scratch, "a.npy");
	scratch_write(path, bytes, n);
	o->f = heft_format_by_name("npy");
	ck_assert_int_eq(heft_source_open(path, true, &o->src, NULL), HEFT_OK);
	return o->f->open(o->src, path, options, &o->st, &o->err);
}

/* Byte i of the data. */
static inline uint8_t npy_byte(size_t i)
{
	return (uint8_t)(i * 7 + i / 256 + 1);
}

/* Magic to header; the data begins behind it. */
static inline size_t npy_build_head(uint8_t *bytes, uint8_t version, const char *text)
{
	const size_t n = strlen(text);

	memcpy(bytes, HEFT_NPY_MAGIC, HEFT_NPY_MAGIC_SIZE);
	bytes[6] = version;
	bytes[7] = 0;
	if (version == 1)
		heft_put_le16(bytes + 8, (uint16_t)n);
	else
		heft_put_le32(bytes + 8, (uint32_t)n);
	memcpy(bytes + (version == 1 ? 10 : 12), text, n);
	return n + (version == 1 ? 10 : 12);
}

static inline enum heft_status npy_open(struct npy_opened *o, uint8_t version, const char *text,
                                        size_t n_data, const struct heft_open_options *options)
{
	uint8_t *bytes = malloc(NPY_MAX_FILE);
	enum heft_status st;
	size_t n;

	ck_assert_ptr_nonnull(bytes);
	n = npy_build_head(bytes, version, text);
	ck_assert_uint_le(n + n_data, NPY_MAX_FILE);
	for (size_t i = 0; i < n_data; i++)
		bytes[n + i] = npy_byte(i);
	st = npy_open_bytes(o, bytes, n + n_data, options);
	free(bytes);
	return st;
}

/* Opens what must open, and gives its i-th tensor. */
static inline struct heft_tensor npy_tensor(struct npy_opened *o, uint32_t i)
{
	struct heft_tensor t;

	ck_assert_uint_lt(i, o->f->n_tensors(o->st));
	ck_assert_int_eq(o->f->tensor_at(o->st, i, &t, NULL), HEFT_OK);
	return t;
}

#endif
