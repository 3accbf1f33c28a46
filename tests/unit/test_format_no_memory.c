/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_no_memory.c - every format, opened and written while one allocation fails. */
#include "alloc_fail.h"
#include "made.h"
#include "scratch.h"
#include "unit.h"

/* As much as the format holds: three tensors and metadata, three tensors, or one. */
static void make(struct made *m, const struct heft_format *f)
{
	for (unsigned less = 0; less < 3; less++) {
		made_init(m);
		m->plan.metadata = less > 0 ? NULL : "{\"k\":\"v\",\"a\":\"b\"}";
		made_add(m, "two", HEFT_DTYPE_F32, 2, 3, 4);
		if (less < 2) {
			made_add(m, "one", HEFT_DTYPE_U8, 1, 3, 0);
			made_add(m, "three", HEFT_DTYPE_F64, 0, 0, 0);
		}
		if (f->check(&m->plan, NULL) == HEFT_OK)
			return;
		made_done(m);
	}
	ck_abort_msg("%s holds nothing", f->name);
}

/* Everything that a reader does. */
static enum heft_status use(const struct heft_format *f, struct heft_source *src, const char *path)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_VERIFY };
	struct heft_origin origin;
	struct heft_tensor t;
	uint8_t bytes[48];
	const char *json;
	void *st = NULL;
	enum heft_status status = f->open(src, path, &options, &st, NULL);

	heft_origin_init(&origin);
	for (uint32_t i = 0; status == HEFT_OK && i < f->n_tensors(st); i++) {
		status = f->tensor_at(st, i, &t, NULL);
		if (status == HEFT_OK)
			status = f->read(st, i, 1, bytes, (size_t)t.n_bytes - 1, NULL);
	}
	if (status == HEFT_OK)
		status = f->metadata(st, &json, NULL);
	if (status == HEFT_OK && f->origin)
		status = f->origin(st, path, &origin, NULL);
	heft_origin_done(&origin);
	f->close(st);
	return status;
}

START_TEST(a_reader_says_so_and_leaks_nothing)
{
	const struct heft_format *f = heft_format_get((uint32_t)_i);
	enum heft_status st = HEFT_E_NOMEM;
	struct heft_source *src;
	struct scratch s;
	struct made m;

	if (!(f->caps & HEFT_FORMAT_WRITE)) /* those have a test of their own */
		return;
	scratch_init(&s);
	make(&m, f);
	made_write(&m, f->name, scratch_path(&s, "file"));
	made_done(&m);
	ck_assert_int_eq(heft_source_open(s.paths[0], true, &src, NULL), HEFT_OK);
	for (size_t n = 1; st != HEFT_OK; n++) {
		alloc_fail_at(n);
		st = use(f, src, s.paths[0]);
		ck_assert_int_eq(st, alloc_fail_done() ? HEFT_E_NOMEM : HEFT_OK);
	}
	heft_source_close(src);
	scratch_done(&s);
}
END_TEST

START_TEST(a_writer_says_so_and_leaks_nothing)
{
	const struct heft_format *f = heft_format_get((uint32_t)_i);
	bool has_failed = true;
	struct heft_sink *sink;
	struct scratch s;
	struct made m;
	uint32_t order[3];

	if (!(f->caps & HEFT_FORMAT_WRITE))
		return;
	scratch_init(&s);
	scratch_path(&s, "out");
	make(&m, f);
	for (size_t n = 1; has_failed; n++) {
		void *w = NULL;
		enum heft_status st;

		ck_assert_int_eq(heft_sink_open(s.paths[0], NULL, &sink, NULL), HEFT_OK);
		alloc_fail_at(n);
		st = f->check(&m.plan, NULL);
		if (st == HEFT_OK)
			st = f->begin(&m.plan, sink, order, &w, NULL);
		has_failed = alloc_fail_done();
		/* A writer may keep a failure for its end. */
		ck_assert(st == HEFT_OK || (st == HEFT_E_NOMEM && has_failed));
		f->writer_free(w);
		heft_sink_discard(sink);
	}
	ck_assert_uint_eq(scratch_n_files(&s), 0);
	made_done(&m);
	scratch_done(&s);
}
END_TEST

static Suite *no_memory_suite(void)
{
	Suite *s = suite_create("format_no_memory");
	TCase *tc = tcase_create("formats");
	int n = 0;

	while (heft_format_get((uint32_t)n))
		n++;
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_reader_says_so_and_leaks_nothing, 0, n);
	tcase_add_loop_test(tc, a_writer_says_so_and_leaks_nothing, 0, n);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(no_memory_suite());
}
