/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - a small model with something of everything, written as a file of any format, for tests
 * of what is done to open files: two float tensors (one longer than a chunk), integers, an empty
 * tensor, a scalar, and a tie.
 */
#ifndef HEFT_TEST_MODEL_H
#define HEFT_TEST_MODEL_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "heft/digest.h"
#include "heft/write.h"

#define MODEL_N 6
#define MODEL_BIG_N ((size_t)(3 << 18) + 5) /* F32: three chunks and 20 bytes */
#define MODEL_SMALL_N 6
#define MODEL_METADATA "{\"license\":\"MIT\",\"step\":\"12\"}"

static inline float *model_values(size_t n)
{
	float *v = malloc(n * sizeof *v);

	ck_assert_ptr_nonnull(v);
	for (size_t i = 0; i < n; i++)
		v[i] = (float)(i % 8191) * 0.25F - 100.0F;
	return v;
}

static inline void model_put(struct heft_writer *w, uint32_t i, const void *bytes, size_t n)
{
	struct heft_error err;

	ck_assert_msg(heft_put(w, i, bytes, n, &err) == HEFT_OK, "%s", err.msg);
}

/* With `with_tie`, a seventh tensor: "tied.weight" is "layer.weight". */
static inline void model_write(const char *path, const char *format,
                               const struct heft_write_options *options, bool with_tie,
                               uint8_t *digest)
{
	static const struct heft_tensor tensors[] = {
		{ .name = "layer.weight", .dtype = HEFT_DTYPE_F32, .rank = 2, .dims = { 2, 3 } },
		{ .name = "big", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { MODEL_BIG_N } },
		{ .name = "empty", .dtype = HEFT_DTYPE_F32, .rank = 2, .dims = { 0, 7 } },
		{ .name = "layer.bias", .dtype = HEFT_DTYPE_F32, .rank = 0 },
		{ .name = "ids", .dtype = HEFT_DTYPE_I32, .rank = 1, .dims = { 2 } },
		{ .name = "mask", .dtype = HEFT_DTYPE_BOOL, .rank = 1, .dims = { 3 } },
	};
	static const int32_t ids[] = { 7, -1 };
	static const uint8_t mask[] = { 1, 0, 1 };
	struct heft_tensor tied = tensors[0];
	struct heft_writer *w;
	struct heft_error err;
	float *v = model_values(MODEL_BIG_N);

	ck_assert_msg(heft_create(path, format, options, &w, &err) == HEFT_OK, "%s", err.msg);
	for (size_t i = 0; i < MODEL_N; i++)
		ck_assert_int_eq(heft_declare(w, &tensors[i], &err), HEFT_OK);
	tied.name = "tied.weight";
	if (with_tie)
		ck_assert_int_eq(heft_declare_tied(w, &tied, 0, &err), HEFT_OK);
	ck_assert_int_eq(heft_set_metadata(w, MODEL_METADATA, &err), HEFT_OK);
	model_put(w, 0, v, 6 * sizeof *v);
	model_put(w, 1, v, 12); /* in pieces of odd sizes */
	model_put(w, 1, v + 3, (1 << 20) + 4);
	model_put(w, 1, v + 3 + (1 << 18) + 1, (MODEL_BIG_N - 4 - (1 << 18)) * sizeof *v);
	model_put(w, 3, v + 1, sizeof *v);
	model_put(w, 4, ids, sizeof ids);
	model_put(w, 5, mask, sizeof mask);
	ck_assert_msg(heft_commit(w, digest, &err) == HEFT_OK, "%s", err.msg);
	free(v);
}

static inline struct heft_file *model_open(const char *path)
{
	struct heft_error err;
	struct heft_file *file;

	ck_assert_msg(heft_open(path, NULL, &file, &err) == HEFT_OK, "%s", err.msg);
	return file;
}

static inline void model_digest(const char *path, uint8_t *digest)
{
	struct heft_file *file = model_open(path);
	struct heft_error err;

	ck_assert_msg(heft_weights_digest(file, NULL, digest, &err) == HEFT_OK, "%s", err.msg);
	heft_close(file);
}

#endif
