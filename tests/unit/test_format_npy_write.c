/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_npy_write.c - npy files that are written, and what is refused before. */
#include "made.h"
#include "npy_file.h"

/* --- the header: what numpy.save of NumPy 2.4 writes --- */

static const struct written {
	enum heft_dtype dtype;
	uint32_t rank;
	uint64_t dims[4];
	uint64_t n_bytes; /* of STR, UCS4 and VOID */
	uint32_t unit;
	const char *text;
	size_t size; /* of the whole header */
} written[] = {
	/* N7-1 N7-2 */
	{ HEFT_DTYPE_F32,
	  2,
	  { 2, 3 },
	  0,
	  4,
	  "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
	  128 },
	{ HEFT_DTYPE_F64,
	  0,
	  { 0 },
	  0,
	  8,
	  "{'descr': '<f8', 'fortran_order': False, 'shape': (), }",
	  128 },
	{ HEFT_DTYPE_BOOL,
	  1,
	  { 1 },
	  0,
	  1,
	  "{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }",
	  128 },
	{ HEFT_DTYPE_I8,
	  1,
	  { 0 },
	  0,
	  1,
	  "{'descr': '|i1', 'fortran_order': False, 'shape': (0,), }",
	  128 },
	{ HEFT_DTYPE_C128,
	  3,
	  { 10, 0, 2 },
	  0,
	  16,
	  "{'descr': '<c16', 'fortran_order': False, 'shape': (10, 0, 2), }",
	  128 },
	{ HEFT_DTYPE_U16,
	  4,
	  { 1, UINT64_C(12345678901), 0, 3 },
	  0,
	  2,
	  "{'descr': '<u2', 'fortran_order': False, 'shape': (1, 12345678901, 0, 3), }",
	  128 },
	{ HEFT_DTYPE_STR,
	  1,
	  { 2 },
	  10,
	  5,
	  "{'descr': '|S5', 'fortran_order': False, 'shape': (2,), }",
	  128 },
	{ HEFT_DTYPE_UCS4,
	  1,
	  { 2 },
	  24,
	  12,
	  "{'descr': '<U3', 'fortran_order': False, 'shape': (2,), }",
	  128 },
	{ HEFT_DTYPE_VOID,
	  0,
	  { 0 },
	  2,
	  2,
	  "{'descr': '|V2', 'fortran_order': False, 'shape': (), }",
	  128 },
	{ HEFT_DTYPE_VOID,
	  1,
	  { 0 },
	  0,
	  7,
	  "{'descr': '|V7', 'fortran_order': False, 'shape': (0,), }",
	  128 },
	{ HEFT_DTYPE_UCS4,
	  1,
	  { 3 },
	  0,
	  4,
	  "{'descr': '<U0', 'fortran_order': False, 'shape': (3,), }",
	  128 },
};

static struct heft_tensor tensor_of(const struct written *w)
{
	struct heft_tensor t = { .name = "t", .dtype = w->dtype, .rank = w->rank };

	memcpy(t.dims, w->dims, sizeof w->dims);
	ck_assert(heft_dims_product(w->rank, w->dims, &t.n_elements));
	t.n_bytes = w->n_bytes;
	return t;
}

START_TEST(the_header_is_that_of_numpy)
{
	const struct written *w = &written[_i];
	const struct heft_tensor t = tensor_of(w);
	struct heft_buffer b;

	ck_assert_int_eq(heft_npy_check_tensor(&t, NULL), HEFT_OK);
	heft_buffer_init(&b);
	heft_npy_write_header(&t, w->unit, &b);
	ck_assert(b.ok);
	ck_assert_uint_eq(b.size, w->size);
	ck_assert_mem_eq(b.bytes, HEFT_NPY_MAGIC "\1\0", 8);
	ck_assert_uint_eq(heft_get_le16(b.bytes + 8), w->size - 10);
	ck_assert_mem_eq(b.bytes + 10, w->text, strlen(w->text));
	for (size_t i = 10 + strlen(w->text); i < b.size - 1; i++)
		ck_assert_uint_eq(b.bytes[i], ' ');
	ck_assert_uint_eq(b.bytes[b.size - 1], '\n');
	heft_buffer_done(&b);
}
END_TEST

/* Where the text fills the 64 bytes already, NumPy adds 64 more. */
START_TEST(a_header_that_needs_no_padding_is_padded)
{
	struct heft_buffer b;
	uint64_t last = 1;
	size_t n_longer = 0;

	for (int i = 0; i < 18; i++, last *= 10) {
		const struct heft_tensor t = { .name = "t",
			                       .dtype = HEFT_DTYPE_F32,
			                       .rank = 4,
			                       .dims = { 0, 1000000000, 100000000, last } };

		heft_buffer_init(&b);
		heft_npy_write_header(&t, 4, &b);
		ck_assert_uint_eq(b.size % 64, 0);
		n_longer += b.size == 192;
		/* 10 + 54 + (0, 1000000000, 100000000, …), and 20 + newline */
		ck_assert_uint_eq(
			b.size,
			10 +
						strlen("{'descr': '<f4', 'fortran_order': False, "
		                                       "'shape': (0, 1000000000, 100000000, ), }") +
						(size_t)i + 1 + 20 + 1 <
					128
				? 128
				: 192);
		heft_buffer_done(&b);
	}
	ck_assert_uint_gt(n_longer, 0);
	ck_assert_uint_lt(n_longer, 18);
}
END_TEST

/* --- refused --- */

static const struct refusal {
	struct heft_tensor t;
	const char *help;
} refusals[] = {
	/* N7-3 */
	{ { .dtype = HEFT_DTYPE_BF16 }, "--dtype F32" },
	{ { .dtype = HEFT_DTYPE_F8_E4M3 }, "--dtype-of" },
	{ { .dtype = HEFT_DTYPE_F4 }, "--dtype-of" },
	{ { .dtype = HEFT_DTYPE_U4 }, "--dtype-of" },
	{ { .dtype = HEFT_DTYPE_GGML + 2 }, "--exclude" },
	{ { .dtype = (enum heft_dtype)0x7777 }, "--exclude" },
	{ { .dtype = HEFT_DTYPE_F32, .space = HEFT_SPACE_OPTIMIZER }, "--weights-only" },
	{ { .dtype = HEFT_DTYPE_STR, .n_elements = 3, .n_bytes = 7 }, "--exclude" },
	{ { .dtype = HEFT_DTYPE_UCS4, .n_elements = 1, .n_bytes = 6 }, "--exclude" },
	{ { .dtype = HEFT_DTYPE_VOID, .n_elements = 0, .n_bytes = 6 }, "--exclude" },
};

START_TEST(what_numpy_cannot_hold_is_refused_with_what_helps)
{
	struct heft_tensor t = refusals[_i].t;
	struct heft_error err;

	t.name = "some.tensor";
	ck_assert_int_eq(heft_npy_check_tensor(&t, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "'some.tensor'"));
	ck_assert_msg(strstr(err.msg, refusals[_i].help) != NULL, "%s", err.msg);
}
END_TEST

static enum heft_status check_plan(struct made *m, struct heft_error *err)
{
	const enum heft_status st = heft_format_by_name("npy")->check(&m->plan, err);

	made_done(m);
	return st;
}

START_TEST(a_plan_that_npy_cannot_hold_is_refused)
{
	struct heft_error err;
	struct made m;

	made_init(&m);
	ck_assert_int_eq(check_plan(&m, &err), HEFT_E_USAGE);
	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_F32, 1, 3, 0);
	made_add(&m, "b", HEFT_DTYPE_F32, 1, 3, 0);
	ck_assert_int_eq(check_plan(&m, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "--to npz"));
	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_F32, 1, 3, 0);
	m.plan.options.compress = HEFT_COMPRESS_FAST;
	ck_assert_int_eq(check_plan(&m, &err), HEFT_E_USAGE);
	/* N7-4 */
	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_F32, 1, 3, 0);
	m.plan.metadata = "{\"k\":1}";
	ck_assert_int_eq(check_plan(&m, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "--no-metadata"));
	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_F32, 1, 3, 0);
	m.plan.metadata = " { } ";
	ck_assert_int_eq(check_plan(&m, &err), HEFT_OK);
}
END_TEST

/* --- written and read --- */

START_TEST(what_was_written_is_read)
{
	struct npy_opened o;
	struct heft_tensor t;
	struct made m;
	uint8_t *bytes;
	char *file;
	size_t n;

	/* N7-5: of 1.5 chunks */
	memset(&o, 0, sizeof o);
	scratch_init(&o.scratch);
	made_init(&m);
	made_add(&m, "any.name", HEFT_DTYPE_F32, 2, 1000, 393);
	made_write(&m, "npy", scratch_path(&o.scratch, "w.npy"));
	made_done(&m);
	file = scratch_read(o.scratch.paths[0], &n);
	ck_assert_uint_eq(n, 128 + 1572000);
	free(file);
	o.f = heft_format_by_name("npy");
	ck_assert_int_eq(heft_source_open(o.scratch.paths[0], true, &o.src, NULL), HEFT_OK);
	ck_assert_int_eq(o.f->open(o.src, "w.npy", NULL, &o.st, NULL), HEFT_OK);
	t = npy_tensor(&o, 0);
	ck_assert_str_eq(t.name, "arr_0");
	ck_assert_uint_eq(t.alignment, 128);
	bytes = malloc(t.n_bytes);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_int_eq(o.f->read(o.st, 0, 0, bytes, t.n_bytes, NULL), HEFT_OK);
	for (size_t i = 0; i < t.n_bytes; i++)
		ck_assert_uint_eq(bytes[i], made_byte(0, i));
	free(bytes);
	npy_done(&o);
}
END_TEST

static Suite *npy_write_suite(void)
{
	Suite *s = suite_create("format_npy_write");
	TCase *tc = tcase_create("write");

	tcase_add_loop_test(tc, the_header_is_that_of_numpy, 0,
	                    (int)(sizeof written / sizeof *written));
	tcase_add_test(tc, a_header_that_needs_no_padding_is_padded);
	tcase_add_loop_test(tc, what_numpy_cannot_hold_is_refused_with_what_helps, 0,
	                    (int)(sizeof refusals / sizeof *refusals));
	tcase_add_test(tc, a_plan_that_npy_cannot_hold_is_refused);
	tcase_add_test(tc, what_was_written_is_read);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(npy_write_suite());
}
