/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_zip_no_memory.c - zip archives and .npz files, read and written while one allocation
 * fails. */
#include "alloc_fail.h"
#include "format/zip.h"
#include "made.h"
#include "scratch.h"
#include "unit.h"
#include "zip_bytes.h"

static uint8_t zeros[4000];

/* Two members: text, stored, and zeros, deflated. */
START_TEST(an_archive_says_so_and_leaks_nothing)
{
	enum heft_status st = HEFT_E_NOMEM;
	struct heft_source *src;
	struct zip_bytes z;
	struct scratch s;

	zip_begin(&z);
	zip_add(&z, &(struct zip_part){ .name = "text", .bytes = "hello", .size = 5 });
	zip_add(&z, &(struct zip_part){ .name = "zeros",
	                                .bytes = zeros,
	                                .size = sizeof zeros,
	                                .is_deflated = true });
	zip_finish(&z);
	scratch_init(&s);
	scratch_write(scratch_path(&s, "a.zip"), z.b.bytes, z.b.size);
	ck_assert_int_eq(heft_source_open(s.paths[0], true, &src, NULL), HEFT_OK);
	for (size_t n = 1; st != HEFT_OK; n++) {
		struct heft_zip *zip = NULL;
		uint8_t bytes[sizeof zeros];

		alloc_fail_at(n);
		st = heft_zip_open(src, NULL, &zip, NULL);
		/* Backwards, so that something is passed over. */
		if (st == HEFT_OK)
			st = heft_zip_read(zip, 1, 2000, bytes, sizeof zeros - 2000, NULL);
		if (st == HEFT_OK)
			st = heft_zip_read(zip, 1, 0, bytes, 2000, NULL);
		if (st == HEFT_OK)
			st = heft_zip_read(zip, 0, 0, bytes, 5, NULL);
		ck_assert_int_eq(st, alloc_fail_done() ? HEFT_E_NOMEM : HEFT_OK);
		heft_zip_close(zip);
	}
	heft_source_close(src);
	zip_done(&z);
	scratch_done(&s);
}
END_TEST

/* Everything that a reader does. */
static enum heft_status use(struct heft_source *src, const char *path)
{
	const struct heft_format *f = heft_format_by_name("npz");
	struct heft_origin origin;
	struct heft_tensor t;
	uint8_t bytes[600];
	void *st = NULL;
	enum heft_status status = f->open(src, path, NULL, &st, NULL);

	heft_origin_init(&origin);
	for (uint32_t i = 0; status == HEFT_OK && i < f->n_tensors(st); i++) {
		status = f->tensor_at(st, i, &t, NULL);
		if (status == HEFT_OK)
			status = f->read(st, i, 0, bytes, (size_t)t.n_bytes, NULL);
	}
	if (status == HEFT_OK)
		status = f->origin(st, path, &origin, NULL);
	heft_origin_done(&origin);
	f->close(st);
	return status;
}

START_TEST(a_file_says_so_and_leaks_nothing)
{
	static const char *const names[] = { "npz-stored", "npz-deflated", "npz-other-orders",
		                             "npz-bytes" };
	const char *fixtures = getenv("FIXTURES");
	enum heft_status st = HEFT_E_NOMEM;
	struct heft_source *src;
	char path[512];

	snprintf(path, sizeof path, "%s/valid/%s.npz", fixtures ? fixtures : "fixtures", names[_i]);
	ck_assert_int_eq(heft_source_open(path, true, &src, NULL), HEFT_OK);
	for (size_t n = 1; st != HEFT_OK; n++) {
		alloc_fail_at(n);
		st = use(src, path);
		ck_assert_int_eq(st, alloc_fail_done() ? HEFT_E_NOMEM : HEFT_OK);
	}
	heft_source_close(src);
}
END_TEST

/* All stages but the digest of what was written. */
static enum heft_status write_all(const struct heft_write_plan *plan, struct heft_sink *sink)
{
	const struct heft_format *f = heft_format_by_name("npz");
	struct heft_piece p = { .bytes = (const uint8_t *)"abc", .n = 3 };
	uint8_t scratch[200];
	uint32_t order[2];
	void *w = NULL;
	enum heft_status st = f->check(plan, NULL);

	if (st == HEFT_OK)
		st = f->begin(plan, sink, order, &w, NULL);
	if (st == HEFT_OK)
		st = f->encode(w, &p, NULL, scratch, NULL);
	if (st == HEFT_OK)
		st = f->place(w, &p, NULL);
	if (st == HEFT_OK)
		st = f->store(w, &p, NULL);
	if (st == HEFT_OK)
		st = f->finish(w, NULL, NULL, NULL);
	f->writer_free(w);
	return st;
}

START_TEST(a_writer_says_so_and_leaks_nothing)
{
	enum heft_status st = HEFT_E_NOMEM;
	struct heft_sink *sink;
	struct scratch s;
	struct made m;

	scratch_init(&s);
	scratch_path(&s, "out");
	made_init(&m);
	m.plan.metadata = "{}";
	m.plan.options.compress = (enum heft_compress)_i;
	made_add(&m, "one", HEFT_DTYPE_U8, 1, 3, 0);
	made_add(&m, "two", HEFT_DTYPE_F64, 1, 0, 0);
	for (size_t n = 1; st != HEFT_OK; n++) {
		ck_assert_int_eq(heft_sink_open(s.paths[0], NULL, &sink, NULL), HEFT_OK);
		alloc_fail_at(n);
		st = write_all(&m.plan, sink);
		ck_assert_int_eq(st, alloc_fail_done() ? HEFT_E_NOMEM : HEFT_OK);
		heft_sink_discard(sink);
	}
	made_done(&m);
	scratch_done(&s);
}
END_TEST

static Suite *zip_no_memory_suite(void)
{
	Suite *s = suite_create("format_zip_no_memory");
	TCase *tc = tcase_create("memory");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, an_archive_says_so_and_leaks_nothing);
	tcase_add_loop_test(tc, a_file_says_so_and_leaks_nothing, 0, 4);
	tcase_add_loop_test(tc, a_writer_says_so_and_leaks_nothing, HEFT_COMPRESS_NONE,
	                    HEFT_COMPRESS_BEST + 1);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(zip_no_memory_suite());
}
