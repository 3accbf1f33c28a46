/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind_files.h - two files, of weights and of a model, for tests of conversions of the one into the
 * other.
 *
 *	MAKE(scratch_path(&s, "w"), NULL, VECTOR("a", 2, 10));		(F32: 10, 11)
 *	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 0));
 *	check(bind(NULL), "a", 10);
 */
#ifndef HEFT_TEST_BIND_FILES_H
#define HEFT_TEST_BIND_FILES_H

#include <stdlib.h>

#include "heft/convert.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

#define MAX_ELEMENTS ((size_t)1 << 20)

static struct scratch s;
static struct heft_error err;
static struct heft_convert_report report;

static inline void set_up(void)
{
	scratch_init(&s);
	err.msg[0] = '\0';
}

static inline void tear_down(void)
{
	scratch_done(&s);
}

/* --- files --- */

/* F32 tensors count up from `first`, I64 ones too. */
struct spec {
	const char *name;
	uint32_t rank;
	uint64_t dims[HEFT_MAX_RANK];
	double first;
	enum heft_dtype dtype;
	enum heft_space space;
};

#define VECTOR_OF(name, n, first, dtype)                         \
	{                                                        \
		name, 1, { n }, first, dtype, HEFT_SPACE_WEIGHTS \
	}
#define VECTOR(name, n, first) VECTOR_OF(name, n, first, HEFT_DTYPE_F32)
#define VECTOR_IN(name, n, first, space)                     \
	{                                                    \
		name, 1, { n }, first, HEFT_DTYPE_F32, space \
	}
#define MATRIX_OF(name, rows, columns, first, dtype)                         \
	{                                                                    \
		name, 2, { rows, columns }, first, dtype, HEFT_SPACE_WEIGHTS \
	}
#define MATRIX(name, rows, columns, first) MATRIX_OF(name, rows, columns, first, HEFT_DTYPE_F32)
#define SCALAR(name, first)                                               \
	{                                                                 \
		name, 0, { 0 }, first, HEFT_DTYPE_F32, HEFT_SPACE_WEIGHTS \
	}

static inline struct heft_tensor tensor_of(const struct spec *spec)
{
	struct heft_tensor t = {
		.name = spec->name, .dtype = spec->dtype, .space = spec->space, .rank = spec->rank
	};

	memcpy(t.dims, spec->dims, sizeof t.dims);
	return t;
}

static inline size_t n_elements(const struct spec *spec)
{
	size_t n = 1;

	for (uint32_t d = 0; d < spec->rank; d++)
		n *= spec->dims[d];
	return n;
}

static inline void put(struct heft_writer *w, uint32_t i, const struct spec *spec)
{
	const size_t n = n_elements(spec);
	double *v = malloc(n * sizeof *v + 1);
	void *bytes = malloc(n * sizeof *v + 1);
	const enum heft_dtype dtype = spec->dtype;

	ck_assert(n <= MAX_ELEMENTS);
	for (size_t k = 0; k < n; k++)
		v[k] = spec->first + (double)k;
	ck_assert_int_eq(heft_cast_elements(dtype, bytes, HEFT_DTYPE_F64, v, n, &err), HEFT_OK);
	model_put(w, i, bytes, n * (size_t)heft_dtype_describe(dtype)->n_bytes);
	free(bytes);
	free(v);
}

struct maker {
	const char *format;
	const char *metadata;
	const void *graph;
	size_t graph_size;
	struct heft_write_options options;
	uint32_t n_tied; /* the last so many are tied to the first */
};

static inline void make(const char *path, const struct maker *m, const struct spec *specs,
                        uint32_t n)
{
	const struct maker usual = { .format = "heft" };
	struct heft_writer *w;

	m = m ? m : &usual;
	ck_assert_msg(heft_create(path, m->format, &m->options, &w, &err) == HEFT_OK, "%s",
	              err.msg);
	for (uint32_t i = 0; i < n; i++) {
		const struct heft_tensor t = tensor_of(&specs[i]);

		ck_assert_int_eq(i < n - m->n_tied ? heft_declare(w, &t, &err)
		                                   : heft_declare_tied(w, &t, 0, &err),
		                 HEFT_OK);
	}
	ck_assert_int_eq(heft_set_metadata(w, m->metadata, &err), HEFT_OK);
	ck_assert_int_eq(heft_set_graph(w, m->graph, m->graph_size, &err), HEFT_OK);
	for (uint32_t i = 0; i < n - m->n_tied; i++)
		put(w, i, &specs[i]);
	ck_assert_msg(heft_commit(w, NULL, &err) == HEFT_OK, "%s", err.msg);
}

#define MAKE(path, m, ...)                                                           \
	do {                                                                         \
		const struct spec specs_[] = { __VA_ARGS__ };                        \
		make(path, m, specs_, (uint32_t)(sizeof specs_ / sizeof specs_[0])); \
	} while (0)

/* --- conversions --- */

static inline enum heft_status try_bind(const char *to, const struct heft_convert_plan *plan)
{
	struct heft_convert_plan p = plan ? *plan : (struct heft_convert_plan){ .format = NULL };
	struct heft_file *file = model_open(scratch_path(&s, "w"));
	enum heft_status st;

	p.format = p.format ? p.format : "heft";
	p.into = model_open(scratch_path(&s, "model"));
	p.write.overwrite = true;
	p.write.no_sync = true;
	report.note[0] = '\0';
	st = heft_convert(file, to, &p, &report, &err);
	heft_close(p.into);
	heft_close(file);
	return st;
}

static inline char *bind(const struct heft_convert_plan *plan)
{
	char *to = scratch_path(&s, "out");

	ck_assert_msg(try_bind(to, plan) == HEFT_OK, "%s", err.msg);
	return to;
}

/* It fails, says so, and leaves nothing. */
static inline void refuse(const struct heft_convert_plan *plan, const char *words)
{
	const unsigned n = scratch_n_files(&s);

	ck_assert_int_eq(try_bind(scratch_path(&s, "out"), plan), HEFT_E_USAGE);
	ck_assert_msg(strstr(err.msg, words) != NULL, "%s", err.msg);
	ck_assert_uint_eq(scratch_n_files(&s), n);
}

/* Of a tensor that is there: element k. */
static inline double value_at(const char *path, const char *name, uint64_t k)
{
	struct heft_file *file = model_open(path);
	struct heft_tensor t;
	uint8_t bytes[8];
	double v;
	size_t n;

	ck_assert_msg(heft_find(file, name, &t, &err) == HEFT_OK, "%s: %s", name, err.msg);
	n = heft_dtype_describe(t.dtype)->n_bytes;
	ck_assert_int_eq(heft_read(file, &t, k * n, bytes, n, &err), HEFT_OK);
	ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_F64, &v, t.dtype, bytes, 1, &err), HEFT_OK);
	heft_close(file);
	return v;
}

static inline void check(const char *path, const char *name, double first)
{
	ck_assert_double_eq(value_at(path, name, 0), first);
	ck_assert_double_eq(value_at(path, name, 1), first + 1);
}

/* Of a matrix that counts up from `first` by columns. */
static inline void check_turned(const char *path, const char *name, uint64_t rows, uint64_t columns,
                                double first)
{
	static const uint64_t at[] = { 0, 1, 7, 4242, 65535 };

	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
		const uint64_t k = at[i] % (rows * columns);

		ck_assert_double_eq(value_at(path, name, k),
		                    first + (double)(k % columns * rows + k / columns));
	}
}

#endif
