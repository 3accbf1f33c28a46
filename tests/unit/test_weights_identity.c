/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_identity.c - what the weights digest and the artifact digest depend on, and what not
 * (spec D1-4, D1-5, D1-6, D1-7). */
#include "heft/convert.h"
#include "heft/edit.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

struct identity {
	uint8_t weights[HEFT_DIGEST_SIZE];
	uint8_t artifact[HEFT_DIGEST_SIZE];
};

static struct scratch s;
static struct heft_error err;

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

static struct identity identify(const char *path)
{
	struct heft_file *file = model_open(path);
	struct identity id;
	uint8_t stated[HEFT_DIGEST_SIZE];

	ck_assert_int_eq(heft_weights_digest(file, NULL, id.weights, &err), HEFT_OK);
	ck_assert_int_eq(heft_stated_weights_digest(file, stated, &err), HEFT_OK);
	ck_assert_mem_eq(stated, id.weights, sizeof stated);
	ck_assert_int_eq(heft_artifact_digest(file, id.artifact, &err), HEFT_OK);
	heft_close(file);
	return id;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, HEFT_DIGEST_SIZE) == 0;
}

static struct identity convert(const char *from, const char *to,
                               const struct heft_convert_plan *plan)
{
	struct heft_file *file = model_open(from);
	enum heft_status st = heft_convert(file, to, plan, NULL, &err);

	ck_assert_msg(st == HEFT_OK, "%s", err.msg);
	heft_close(file);
	return identify(to);
}

START_TEST(storage_changes_neither)
{
	const struct heft_convert_plan plans[] = {
		{ .write = { .compress = HEFT_COMPRESS_FAST } },
		{ .write = { .compress = HEFT_COMPRESS_BEST } },
		{ .write = { .alignment = 4096 } },
		{ .write = { .compress = HEFT_COMPRESS_NONE } },
	};
	char *source = scratch_path(&s, "a.safetensors");
	struct identity first;
	struct identity again;

	model_write(source, "safetensors", NULL, false, NULL);
	first = convert(source, scratch_path(&s, "a.heft"), NULL);
	again = convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft"), &plans[_i]);
	ck_assert(same(first.weights, again.weights));
	ck_assert(same(first.artifact, again.artifact));
	again = convert(scratch_path(&s, "b.heft"), scratch_path(&s, "c.heft"), NULL);
	ck_assert(same(first.artifact, again.artifact));
}
END_TEST

static void set_metadata(const char *path, const char *key, const char *value)
{
	struct heft_edit *edit;

	ck_assert_int_eq(heft_edit_open(path, NULL, &edit, &err), HEFT_OK);
	ck_assert_int_eq(heft_edit_set_metadata(edit, key, value, &err), HEFT_OK);
	ck_assert_msg(heft_edit_commit(edit, &err) == HEFT_OK, "%s", err.msg);
}

START_TEST(compaction_changes_neither)
{
	char *path = scratch_path(&s, "a.heft");
	struct identity before;
	struct identity after;
	size_t size[2];

	model_write(path, "heft", NULL, true, NULL);
	set_metadata(path, "a", "1");
	set_metadata(path, "a", "\"2\"");
	before = identify(path);
	free(scratch_read(path, &size[0]));
	ck_assert_msg(heft_compact(path, NULL, NULL, &err) == HEFT_OK, "%s", err.msg);
	free(scratch_read(path, &size[1]));
	ck_assert_uint_lt(size[1], size[0]);
	after = identify(path);
	ck_assert(same(before.weights, after.weights));
	ck_assert(same(before.artifact, after.artifact));
}
END_TEST

START_TEST(metadata_changes_the_artifact_alone)
{
	char *path = scratch_path(&s, "a.heft");
	struct identity before;
	struct identity after;

	model_write(path, "heft", NULL, true, NULL);
	before = identify(path);
	set_metadata(path, "license", "\"MIU\"");
	after = identify(path);
	ck_assert(same(before.weights, after.weights));
	ck_assert(!same(before.artifact, after.artifact));
}
END_TEST

/* Two tensors "a" and "b" of one value each; what is varied comes as arguments. */
static struct identity pair(const char *name_a, float a, bool b_first, bool is_tied,
                            enum heft_dtype dtype)
{
	char *path = scratch_path(&s, "pair.heft");
	const struct heft_write_options replace = { .overwrite = true };
	struct heft_tensor ta = { .name = name_a, .dtype = dtype, .rank = 1, .dims = { 1 } };
	struct heft_tensor tb = { .name = "b", .dtype = dtype, .rank = 1, .dims = { 1 } };
	const float value_b = 1.0F;
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(path, "heft", &replace, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, b_first ? &tb : &ta, &err), HEFT_OK);
	if (is_tied)
		ck_assert_int_eq(heft_declare_tied(w, b_first ? &ta : &tb, 0, &err), HEFT_OK);
	else
		ck_assert_int_eq(heft_declare(w, b_first ? &ta : &tb, &err), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 0, b_first ? &value_b : &a, 4, &err), HEFT_OK);
	if (!is_tied)
		ck_assert_int_eq(heft_put(w, 1, b_first ? &a : &value_b, 4, &err), HEFT_OK);
	ck_assert_msg(heft_commit(w, NULL, &err) == HEFT_OK, "%s", err.msg);
	return identify(path);
}

START_TEST(values_names_and_dtypes_change_both)
{
	const struct identity base = pair("a", 1.0F, false, false, HEFT_DTYPE_F32);
	const struct identity value = pair("a", 1.0000001F, false, false, HEFT_DTYPE_F32);
	const struct identity name = pair("aa", 1.0F, false, false, HEFT_DTYPE_F32);
	const struct identity dtype = pair("a", 1.0F, false, false, HEFT_DTYPE_I32);
	const struct identity again = pair("a", 1.0F, false, false, HEFT_DTYPE_F32);

	ck_assert(same(base.weights, again.weights) && same(base.artifact, again.artifact));
	ck_assert(!same(base.weights, value.weights) && !same(base.artifact, value.artifact));
	ck_assert(!same(base.weights, name.weights) && !same(base.artifact, name.artifact));
	ck_assert(!same(base.weights, dtype.weights) && !same(base.artifact, dtype.artifact));
}
END_TEST

START_TEST(order_and_ties_change_the_artifact_alone)
{
	const struct identity base = pair("a", 1.0F, false, false, HEFT_DTYPE_F32);
	const struct identity order = pair("a", 1.0F, true, false, HEFT_DTYPE_F32);
	const struct identity tie = pair("a", 1.0F, false, true, HEFT_DTYPE_F32);

	ck_assert(same(base.weights, order.weights) && !same(base.artifact, order.artifact));
	ck_assert(same(base.weights, tie.weights) && !same(base.artifact, tie.artifact));
}
END_TEST

START_TEST(a_tensor_digest_does_not_know_its_name)
{
	uint8_t digests[2 * HEFT_DIGEST_SIZE];
	struct heft_file *file;

	pair("a", 1.0F, false, false, HEFT_DTYPE_F32);
	file = model_open(scratch_path(&s, "pair.heft"));
	ck_assert_int_eq(heft_tensor_digests(file, NULL, digests, &err), HEFT_OK);
	ck_assert(same(digests, digests + HEFT_DIGEST_SIZE));
	heft_close(file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights identity");
	TCase *tc = tcase_create("identity");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, storage_changes_neither, 0, 4);
	tcase_add_test(tc, compaction_changes_neither);
	tcase_add_test(tc, metadata_changes_the_artifact_alone);
	tcase_add_test(tc, values_names_and_dtypes_change_both);
	tcase_add_test(tc, order_and_ties_change_the_artifact_alone);
	tcase_add_test(tc, a_tensor_digest_does_not_know_its_name);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
