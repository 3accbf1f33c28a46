/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_load_tables.c - tables so large that one thread reads and checks them while
 * another hashes (spec R3-8). */
#include "container/load_tables.h"

#include "base/source.h"
#include "heft/write.h"
#include "scratch.h"
#include "unit.h"

#define N_TENSORS 20000 /* more than two mebibytes of tables */

static struct scratch s;
static struct heft_error err;

static void write_many(const char *path)
{
	struct heft_writer *w;
	char name[40];

	ck_assert_int_eq(heft_create(path, "heft", NULL, &w, &err), HEFT_OK);
	for (uint32_t i = 0; i < N_TENSORS; i++) {
		struct heft_tensor t = {
			.name = name, .dtype = HEFT_DTYPE_U8, .rank = 1, .dims = { 1 }
		};

		snprintf(name, sizeof name, "model.layer.%u.weight", i);
		if (heft_declare(w, &t, &err) != HEFT_OK)
			ck_abort_msg("%s", err.msg);
	}
	for (uint32_t i = 0; i < N_TENSORS; i++) {
		const uint8_t byte = (uint8_t)i;

		if (heft_put(w, i, &byte, 1, &err) != HEFT_OK)
			ck_abort_msg("%s", err.msg);
	}
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_OK);
}

static void set_up(void)
{
	scratch_init(&s);
	write_many(scratch_path(&s, "many.heft"));
}

static void tear_down(void)
{
	scratch_done(&s);
}

static enum heft_status open_index(struct heft_source **src, struct heft_index **ix)
{
	const struct heft_index_options options = { .trust = false };
	enum heft_status st;

	ck_assert_int_eq(heft_source_open(scratch_path(&s, "many.heft"), false, src, &err),
	                 HEFT_OK);
	st = heft_index_open(*src, &options, ix, &err);
	if (st != HEFT_OK)
		heft_source_close(*src);
	return st;
}

START_TEST(whole_tables_are_opened)
{
	struct heft_source *src;
	struct heft_index *ix;
	uint32_t row;

	ck_assert_msg(open_index(&src, &ix) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(heft_index_n_tensors(ix), N_TENSORS);
	ck_assert_int_eq(heft_index_find(ix, 0, "model.layer.777.weight", 22, &row, &err), HEFT_OK);
	heft_index_close(ix);
	heft_source_close(src);
}
END_TEST

static void flip(uint64_t off)
{
	FILE *f = fopen(scratch_path(&s, "many.heft"), "r+b");
	int byte;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, (long)off, SEEK_SET), 0);
	byte = fgetc(f);
	ck_assert_int_eq(fseek(f, (long)off, SEEK_SET), 0);
	fputc(byte ^ 0x10, f);
	fclose(f);
}

START_TEST(a_changed_byte_of_any_table_is_refused)
{
	static const uint32_t types[] = { HEFT_SECTION_TENSORS, HEFT_SECTION_DIMS,
		                          HEFT_SECTION_STRINGS, HEFT_SECTION_ORDER };
	struct heft_section section;
	struct heft_source *src;
	struct heft_index *ix;
	uint64_t offs[3];

	ck_assert_int_eq(open_index(&src, &ix), HEFT_OK);
	ck_assert(heft_index_find_section(ix, types[_i], &section));
	heft_index_close(ix);
	heft_source_close(src);
	offs[0] = section.off;
	offs[1] = section.off + section.size / 2;
	offs[2] = section.off + section.size - 1;
	for (int i = 0; i < 3; i++) {
		flip(offs[i]);
		ck_assert_int_eq(open_index(&src, &ix), HEFT_E_CORRUPT);
		flip(offs[i]);
	}
	ck_assert_int_eq(open_index(&src, &ix), HEFT_OK);
	heft_index_close(ix);
	heft_source_close(src);
}
END_TEST

START_TEST(a_file_cut_short_within_a_table_is_refused)
{
	struct heft_source *src;
	struct heft_index *ix;
	size_t size;

	free(scratch_read(scratch_path(&s, "many.heft"), &size));
	ck_assert_int_eq(truncate(scratch_path(&s, "many.heft"), (off_t)(size / 2)), 0);
	ck_assert_int_eq(open_index(&src, &ix), HEFT_E_CORRUPT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("container load tables");
	TCase *tc = tcase_create("load tables");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, whole_tables_are_opened);
	tcase_add_loop_test(tc, a_changed_byte_of_any_table_is_refused, 0, 4);
	tcase_add_test(tc, a_file_cut_short_within_a_table_is_refused);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
