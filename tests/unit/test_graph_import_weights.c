/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_import_weights.c - a model is imported with the weights of another file. */
#include <stdlib.h>
#include <string.h>

#include "alloc_fail.h"
#include "graph/ir.h"
#include "heft/run.h"
#include "heft/write.h"
#include "scratch.h"
#include "unit.h"

#define MATRIX "fc.weight" /* 5 x 64 */
#define N_ROWS 5
#define N_COLUMNS 64

static struct scratch s;
static struct heft_file *model_file;
static struct heft_file *weights;
static struct heft_error err;

static void set_up(void)
{
	char path[4096];

	scratch_init(&s);
	snprintf(path, sizeof path, "%s/run.onnx", getenv("FIXTURES"));
	ck_assert_int_eq(heft_open(path, NULL, &model_file, &err), HEFT_OK);
}

static void tear_down(void)
{
	heft_close(weights);
	heft_close(model_file);
	weights = NULL;
	scratch_done(&s);
}

/* What element k of tensor i is in the file of weights. */
static double value_of(uint32_t i, uint64_t k)
{
	return 1000.0 * (i + 1) + (double)k;
}

static void put_values(struct heft_writer *w, uint32_t i, const struct heft_tensor *t)
{
	uint8_t bytes[8];

	for (uint64_t k = 0; k < t->n_elements; k++) {
		const double value = value_of(t->index, k);

		heft_cast_elements(t->dtype, bytes, HEFT_DTYPE_F64, &value, 1, NULL);
		ck_assert_int_eq(heft_put(w, i, bytes, heft_dtype_describe(t->dtype)->n_bytes,
		                          &err),
		                 HEFT_OK);
	}
}

/* A file of all of the model's tensors but `without`, in another dtype, the matrix transposed or
 * not. */
static void make_weights(enum heft_dtype dtype, bool is_transposed, const char *without)
{
	const char *path = scratch_path(&s, "weights.safetensors");
	struct heft_tensor tensors[8];
	struct heft_writer *w;
	uint32_t n = 0;

	ck_assert_int_eq(heft_create(path, "safetensors", NULL, &w, &err), HEFT_OK);
	for (uint32_t i = 0; i < heft_n_tensors(model_file); i++) {
		struct heft_tensor *t = &tensors[n];

		ck_assert_int_eq(heft_tensor_at(model_file, i, t, &err), HEFT_OK);
		if (without && strcmp(t->name, without) == 0)
			continue;
		t->dtype = dtype;
		if (is_transposed && strcmp(t->name, MATRIX) == 0) {
			t->dims[0] = N_COLUMNS;
			t->dims[1] = N_ROWS;
		}
		ck_assert_int_eq(heft_declare(w, t, &err), HEFT_OK);
		n++;
	}
	for (uint32_t i = 0; i < n; i++)
		put_values(w, i, &tensors[i]);
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_OK);
	ck_assert_int_eq(heft_open(path, NULL, &weights, &err), HEFT_OK);
}

static enum heft_status import(const char *const *keep, bool allow_transpose, char *note,
                               struct heft_model **model)
{
	const struct heft_import_options options = { .weights = weights,
		                                     .keep = keep,
		                                     .n_keep = keep ? 1 : 0,
		                                     .allow_transpose = allow_transpose,
		                                     .note = note };

	*model = NULL;
	return heft_model_import(model_file, &options, model, &err);
}

static const float *bytes_of(const struct heft_model *m, const struct heft_tensor *t)
{
	for (uint32_t i = 0; i < m->n_constants; i++)
		if (m->constants[i].tensor == t->index)
			return m->constants[i].array.bytes;
	ck_abort_msg("no constant of '%s'", t->name);
	return NULL;
}

/* Every weight has the file's values, but `kept`, which has its own. */
static void check_model(const struct heft_model *m, bool is_transposed, const char *kept)
{
	struct heft_tensor t;

	for (uint32_t i = 0; i < heft_n_tensors(model_file); i++) {
		const float *values;

		ck_assert_int_eq(heft_tensor_at(model_file, i, &t, &err), HEFT_OK);
		values = bytes_of(m, &t);
		ck_assert_uint_eq((uintptr_t)values % sizeof *values, 0);
		for (uint64_t k = 0; k < t.n_elements; k++) {
			const bool is_turned = is_transposed && strcmp(t.name, MATRIX) == 0;
			const uint64_t from = is_turned ? k % N_COLUMNS * N_ROWS + k / N_COLUMNS
			                                : k;

			if (kept && strcmp(t.name, kept) == 0)
				ck_assert(values[k] > -1 && values[k] < 1);
			else
				ck_assert(values[k] == (float)value_of(i, from));
		}
	}
}

START_TEST(weights_of_a_file_take_the_place_of_the_models)
{
	static const enum heft_dtype dtypes[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64 };
	char note[HEFT_IMPORT_NOTE_SIZE] = "?";
	struct heft_model *model;

	make_weights(dtypes[_i], false, NULL);
	ck_assert_int_eq(import(NULL, false, note, &model), HEFT_OK);
	ck_assert_str_eq(note, "");
	check_model(model, false, NULL);
	heft_model_free(model);
}
END_TEST

START_TEST(a_matrix_is_transposed_where_that_is_allowed)
{
	static const enum heft_dtype dtypes[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64 };
	char note[HEFT_IMPORT_NOTE_SIZE];
	struct heft_model *model;

	make_weights(dtypes[_i], true, NULL);
	ck_assert_int_eq(import(NULL, false, NULL, &model), HEFT_E_USAGE);
	ck_assert_ptr_null(model);
	ck_assert_int_eq(import(NULL, true, note, &model), HEFT_OK);
	ck_assert_str_eq(note, "1 transposed");
	check_model(model, true, NULL);
	heft_model_free(model);
}
END_TEST

START_TEST(what_the_file_lacks_is_refused_or_kept)
{
	const char *const keep[] = { "*v.weight" };
	struct heft_model *model;

	make_weights(HEFT_DTYPE_F32, false, "conv.weight");
	ck_assert_int_eq(import(NULL, false, NULL, &model), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "conv.weight"));
	ck_assert_int_eq(import(keep, false, NULL, &model), HEFT_OK);
	check_model(model, false, "conv.weight");
	heft_model_free(model);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
	struct heft_model *model;

	make_weights(HEFT_DTYPE_F64, true, NULL);
	for (size_t n = 1;; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = import(NULL, true, NULL, &model);
		if (!alloc_fail_done()) {
			ck_assert_int_eq(st, HEFT_OK);
			break;
		}
		/* A map that fails is a read. */
		if (st == HEFT_OK)
			heft_model_free(model);
		else
			ck_assert_int_eq(st, HEFT_E_NOMEM);
	}
	check_model(model, true, NULL);
	heft_model_free(model);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_import_weights");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, weights_of_a_file_take_the_place_of_the_models, 0, 2);
	tcase_add_loop_test(t, a_matrix_is_transposed_where_that_is_allowed, 0, 2);
	tcase_add_test(t, what_the_file_lacks_is_refused_or_kept);
	tcase_add_test(t, every_allocation_may_fail);
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
