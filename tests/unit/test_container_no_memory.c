/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_no_memory.c - makes every allocation of lib/container/writer.c, index.c, update.c
 * and rewrite.c fail once: each round gives NOMEM, changes nothing and leaves nothing behind. */
#include <stdlib.h>
#include <string.h>

#include "alloc_fail.h"
#include "container/origin.h"
#include "heft/edit.h"
#include "make_heft.h"
#include "scratch.h"
#include "unit.h"

static struct scratch scratch;
static char *path;
static char *other;
static char *before;
static size_t before_size;

static const struct make_tensor tensors[] = {
	{ .name = "b", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 300000 }, .seed = 1 },
	{ .name = "a", .dtype = HEFT_DTYPE_U8, .rank = 1, .dims = { 7 }, .seed = 2 },
	{ .name = "c",
	  .dtype = HEFT_DTYPE_I32,
	  .rank = 1,
	  .dims = { 5000 },
	  .fill = MAKE_PATTERN,
	  .is_coded = true },
	{ .name = "d", .dtype = HEFT_DTYPE_U8, .rank = 1, .dims = { 7 }, .is_tied = true, .of = 1 },
	{ .name = "e", .dtype = HEFT_DTYPE_U8, .rank = 1, .dims = { 0 } },
};
#define N (sizeof tensors / sizeof *tensors)

static const struct heft_edit_options quick = { .no_sync = true, .run.n_threads = 1 };

static struct heft_origin origin;
static char metadata[3000];
static uint8_t carried[600];

static enum heft_status make(const char *file, struct heft_error *err)
{
	const struct heft_section_out section = { 0x00000abcu, carried, sizeof carried };
	const struct make_heft m = { .tensors = tensors,
		                     .n = N,
		                     .options.no_sync = true,
		                     .metadata = metadata,
		                     .sections = &section,
		                     .n_sections = 1,
		                     .origin = &origin,
		                     .mixed = true };

	return make_heft_try(&m, file, err);
}

static void setup(void)
{
	struct heft_origin_file *file;

	scratch_init(&scratch);
	path = scratch_path(&scratch, "a.heft");
	other = scratch_path(&scratch, "b.heft");
	memset(metadata, ' ', sizeof metadata - 1);
	memcpy(metadata, "{\"a\":1", 6);
	metadata[sizeof metadata - 2] = '}';
	heft_origin_init(&origin);
	memcpy(origin.format, "npy", 4);
	ck_assert_int_eq(heft_origin_add_file(&origin, "a.npy", 4, 1, &file, NULL), HEFT_OK);
	file->pieces[0] = (struct heft_origin_piece){ .tensor = 0, .size = 4 };
	ck_assert_int_eq(make(path, NULL), HEFT_OK);
	before = scratch_read(path, &before_size);
}

static void teardown(void)
{
	free(before);
	heft_origin_done(&origin);
	scratch_done(&scratch);
}

static enum heft_status write_anew(struct heft_error *err)
{
	return make(path, err);
}

static enum heft_status open_it(struct heft_error *err)
{
	const struct heft_index_options options = { .trust = false };
	struct heft_source *src;
	struct heft_index *ix;
	uint8_t digest[32];
	enum heft_status st = heft_source_open(path, true, &src, err);

	if (st != HEFT_OK)
		return st;
	st = heft_index_open(src, &options, &ix, err);
	if (st == HEFT_OK) {
		st = heft_index_artifact_digest(ix, digest, err);
		heft_index_close(ix);
	}
	heft_source_close(src);
	return st;
}

static enum heft_status update_it(struct heft_error *err)
{
	struct heft_edit *edit;
	enum heft_status st = heft_edit_open(path, &quick, &edit, err);

	if (st != HEFT_OK)
		return st;
	st = heft_edit_set_metadata(edit, "b", "[2]", err);
	if (st == HEFT_OK)
		st = heft_edit_unset_metadata(edit, "a", err);
	if (st == HEFT_OK)
		return heft_edit_commit(edit, err);
	heft_edit_discard(edit);
	return st;
}

static enum heft_status change_tensors(struct heft_edit *edit, struct heft_error *err)
{
	enum heft_status st = heft_edit_rename(edit, "c", "0", err);

	if (st == HEFT_OK)
		st = heft_edit_rename(edit, "b*", "long.name*", err);
	if (st == HEFT_OK)
		st = heft_edit_untie(edit, "d", err);
	if (st == HEFT_OK)
		st = heft_edit_tie(edit, "a", "d", err);
	return st == HEFT_OK ? heft_edit_delete(edit, "e*", err) : st;
}

static enum heft_status update_tensors(struct heft_error *err)
{
	struct heft_edit *edit;
	enum heft_status st = heft_edit_open(path, &quick, &edit, err);

	if (st != HEFT_OK)
		return st;
	st = change_tensors(edit, err);
	if (st == HEFT_OK)
		return heft_edit_commit(edit, err);
	heft_edit_discard(edit);
	return st;
}

static enum heft_status update_a_copy(struct heft_error *err)
{
	enum heft_status st = HEFT_E_IO;

	if (link(path, other) == 0) /* no assertion in here: Check allocates too */
		st = update_it(err);
	unlink(other);
	return st;
}

static enum heft_status compact_it(struct heft_error *err)
{
	return heft_compact(path, &quick, NULL, err);
}

static enum heft_status recover_it(struct heft_error *err)
{
	unlink(other);
	return heft_recover(path, other, &quick, NULL, err);
}

struct work {
	enum heft_status (*fn)(struct heft_error *err);
	unsigned n_files; /* that are there in the end */
};

static const struct work works[] = {
	{ write_anew, 1 },     { open_it, 1 },    { update_it, 1 },  { update_a_copy, 1 },
	{ update_tensors, 1 }, { compact_it, 1 }, { recover_it, 2 },
};

/* [R8.1-1] [R8.2-1] [R9-2] */
START_TEST(without_memory_nothing_changes)
{
	const struct work *work = &works[_i];
	struct heft_error err;
	size_t n;

	for (n = 1;; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = work->fn(&err);
		if (!alloc_fail_done()) {
			ck_assert_int_eq(st, HEFT_OK);
			break;
		}
		ck_assert_msg(st == HEFT_E_NOMEM, "allocation %zu: %d %s", n, st, err.msg);
		scratch_check(path, before, before_size);
		ck_assert_uint_eq(scratch_n_files(&scratch), 1);
	}
	ck_assert_uint_gt(n, 5);
	ck_assert_uint_eq(scratch_n_files(&scratch), work->n_files);
	made_verify(path, false);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("container_no_memory");
	TCase *t = tcase_create("nomem");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, without_memory_nothing_changes, 0,
	                    (int)(sizeof works / sizeof *works));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
