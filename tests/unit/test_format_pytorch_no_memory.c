/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_pytorch_no_memory.c - PyTorch files, read while one allocation fails. */
#include "alloc_fail.h"
#include "format/format.h"
#include "scratch.h"
#include "unit.h"

/* Everything that a reader does. */
static enum heft_status use(struct heft_source *src, const char *path)
{
	const struct heft_format *f = heft_format_by_name("pytorch");
	const struct heft_run run = { .n_threads = 1 };
	struct heft_tensor t;
	uint8_t bytes[600];
	const char *json;
	void *st = NULL;
	enum heft_status status = f->open(src, path, NULL, &st, NULL);

	for (uint32_t i = 0; status == HEFT_OK && i < f->n_tensors(st); i++) {
		status = f->tensor_at(st, i, &t, NULL);
		if (status == HEFT_OK)
			status = f->read(st, i, 0, bytes, (size_t)t.n_bytes, NULL);
	}
	if (status == HEFT_OK)
		status = f->metadata(st, &json, NULL);
	if (status == HEFT_OK)
		status = f->check_data(st, &run, NULL);
	f->close(st);
	return status;
}

static const char *const names[] = { "pytorch-dtypes",   "pytorch-views-big-endian",
	                             "pytorch-deflated", "pytorch-script",
	                             "pytorch-legacy",   "pytorch-legacy-protocol-4" };
#define N_NAMES (sizeof names / sizeof *names)

START_TEST(a_reader_says_so_and_leaks_nothing)
{
	const char *fixtures = getenv("FIXTURES");
	enum heft_status st = HEFT_E_NOMEM;
	struct heft_source *src;
	char path[512];

	snprintf(path, sizeof path, "%s/valid/%s.pt", fixtures ? fixtures : "fixtures",
	         names[_i / 2]);
	ck_assert_int_eq(heft_source_open(path, _i % 2, &src, NULL), HEFT_OK);
	for (size_t n = 1; st != HEFT_OK; n++) {
		alloc_fail_at(n);
		st = use(src, path);
		ck_assert_int_eq(st, alloc_fail_done() ? HEFT_E_NOMEM : HEFT_OK);
	}
	heft_source_close(src);
}
END_TEST

static Suite *no_memory_suite(void)
{
	Suite *s = suite_create("format_pytorch_no_memory");
	TCase *tc = tcase_create("files");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_reader_says_so_and_leaks_nothing, 0, (int)(2 * N_NAMES));
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(no_memory_suite());
}
