/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_no_memory.c - what is done to open files, while one allocation fails: each round
 * says so or does without, leaves nothing in the folder, and keeps the old file. */
#include "alloc_fail.h"
#include "heft/convert.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

#define N_FILES 4u /* that set_up makes */

static struct scratch s;
static struct heft_error err;
static char *safetensors; /* all of the same tensors; this one has no tie */
static char *heft;        /* made from it, compressed, with its recipe */
static char *tied;        /* a heft file with a tie and without a recipe */
static char *target;
static uint32_t n_threads;

static const char old[] = "the old file";

static void convert_once(const char *from, const char *to, const struct heft_convert_plan *plan)
{
	struct heft_file *file = model_open(from);

	ck_assert_msg(heft_convert(file, to, plan, NULL, &err) == HEFT_OK, "%s", err.msg);
	heft_close(file);
}

static void set_up(void)
{
	const struct heft_write_options quick = { .no_sync = true };
	const struct heft_convert_plan packed = { .write = { .compress = HEFT_COMPRESS_FAST,
		                                             .no_sync = true } };

	scratch_init(&s);
	safetensors = scratch_path(&s, "a.safetensors");
	heft = scratch_path(&s, "a.heft");
	tied = scratch_path(&s, "tied.heft");
	target = scratch_path(&s, "target");
	model_write(safetensors, "safetensors", &quick, false, NULL);
	model_write(tied, "heft", &quick, true, NULL);
	convert_once(safetensors, heft, &packed);
	n_threads = 1;
}

static void tear_down(void)
{
	scratch_done(&s);
}

/* A step works on `from` and may write the target. It makes no assertion, as Check allocates. */
typedef enum heft_status (*step_fn)(const char *from, int variant);

static void fail_each_allocation(step_fn step, const char *from, int variant)
{
	bool has_failed = true;
	size_t n = 1;

	for (; has_failed; n++) {
		enum heft_status st;

		scratch_write(target, old, sizeof old);
		alloc_fail_at(n);
		st = step(from, variant);
		has_failed = alloc_fail_done();
		if (!has_failed || st != HEFT_OK)
			ck_assert_msg(st == (has_failed ? HEFT_E_NOMEM : HEFT_OK),
			              "allocation %zu: %d, %s", n, (int)st, err.msg);
		if (st != HEFT_OK)
			scratch_check(target, old, sizeof old);
		ck_assert_uint_eq(scratch_n_files(&s), N_FILES);
	}
	ck_assert_uint_gt(n, 3);
}

/* --- reading --- */

static enum heft_status read_all(struct heft_file *file)
{
	const void *map;
	const char *json;
	struct heft_tensor t;
	uint8_t bytes[40];
	enum heft_status st = heft_metadata(file, &json, &err);

	for (uint32_t i = 0; st == HEFT_OK && i < heft_n_tensors(file); i++) {
		st = heft_tensor_at(file, i, &t, &err);
		if (st == HEFT_OK)
			st = heft_read(file, &t, t.n_bytes / 2, bytes,
			               t.n_bytes < 80 ? (size_t)t.n_bytes / 2 : 40, &err);
		if (st == HEFT_OK)
			st = heft_map(file, &t, &map, &err);
		if (st == HEFT_E_UNSUPPORTED) /* compressed */
			st = HEFT_OK;
	}
	return st == HEFT_OK ? heft_find(file, "ids", &t, &err) : st;
}

static enum heft_status open_and_read(const char *from, int variant)
{
	static const uint32_t flags[] = { 0, HEFT_OPEN_VERIFY, HEFT_OPEN_TRUST_INDEX };
	const struct heft_open_options options = { .flags = flags[variant] };
	struct heft_file *file;
	enum heft_status st = heft_open(from, &options, &file, &err);

	if (st != HEFT_OK)
		return st;
	st = read_all(file);
	heft_close(file);
	return st;
}

static enum heft_status use(struct heft_file *file, int variant)
{
	const struct heft_run run = { .n_threads = n_threads };
	const struct heft_verify_options options = { .run = run };
	struct heft_verify_report report;
	uint8_t digests[(MODEL_N + 1) * HEFT_DIGEST_SIZE];
	enum heft_status st;

	switch (variant) {
	case 0:
		return heft_weights_digest(file, &run, digests, &err);
	case 1:
		return heft_tensor_digests(file, &run, digests, &err);
	case 2:
		st = heft_verify(file, &options, NULL, NULL, &report, &err);
		return st == HEFT_OK && !report.ok ? HEFT_E_CORRUPT : st;
	case 3:
		st = heft_stated_weights_digest(file, digests, &err);
		break;
	default:
		st = heft_artifact_digest(file, digests, &err);
		break;
	}
	return st == HEFT_E_UNSUPPORTED ? HEFT_OK : st; /* another format states none */
}

static enum heft_status open_and_use(const char *from, int variant)
{
	struct heft_file *file;
	enum heft_status st = heft_open(from, NULL, &file, &err);

	if (st != HEFT_OK)
		return st;
	st = use(file, variant);
	heft_close(file);
	return st;
}

static enum heft_status open_expecting(const char *from, int variant)
{
	struct heft_open_options options = { .run = { .n_threads = n_threads } };
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file;
	enum heft_status st;

	(void)variant;
	st = heft_open(from, NULL, &file, &err);
	if (st != HEFT_OK)
		return st;
	st = heft_weights_digest(file, &options.run, digest, &err);
	heft_close(file);
	if (st != HEFT_OK)
		return st;
	options.expect_weights_digest = digest;
	st = heft_open(from, &options, &file, &err);
	if (st == HEFT_OK)
		heft_close(file);
	return st;
}

START_TEST(reading)
{
	const char *const from[] = { safetensors, heft, tied };

	fail_each_allocation(open_and_read, from[_i / 3], _i % 3);
}
END_TEST

START_TEST(digests_and_verification)
{
	const char *const from[] = { safetensors, heft, tied };

	fail_each_allocation(open_and_use, from[_i / 5], _i % 5);
}
END_TEST

START_TEST(expecting_a_digest)
{
	const char *const from[] = { safetensors, heft };

	fail_each_allocation(open_expecting, from[_i], 0);
}
END_TEST

/* --- writing --- */

static enum heft_status convert(const char *from, int variant)
{
	const char *const in[] = { "*" };
	const char *const out[] = { "mask" };
	const struct heft_rename renames[] = { { "layer.*", "block.*" } };
	const struct heft_dtype_rule rules[] = { { "ids", HEFT_DTYPE_F32 } };
	const struct heft_convert_plan plans[] = {
		{ .format = "heft" },
		{ .format = "heft", .write = { .compress = HEFT_COMPRESS_FAST } },
		{ .format = "safetensors" },
		{ .format = "heft",
		  .include = in,
		  .n_include = 1,
		  .exclude = out,
		  .n_exclude = 1,
		  .renames = renames,
		  .n_renames = 1,
		  .dtype_rules = rules,
		  .n_dtype_rules = 1,
		  .float_dtype = HEFT_DTYPE_BF16 },
	};
	struct heft_convert_plan plan = plans[variant];
	struct heft_convert_report report;
	struct heft_file *file;
	enum heft_status st = heft_open(from, NULL, &file, &err);

	if (st != HEFT_OK)
		return st;
	plan.write.overwrite = true;
	plan.write.no_sync = true;
	plan.run.n_threads = n_threads;
	st = heft_convert(file, target, &plan, &report, &err);
	heft_close(file);
	if (st == HEFT_OK && variant == 2 && from != tied && !report.is_restored)
		return HEFT_E_CORRUPT;
	return st;
}

START_TEST(conversions)
{
	const char *const from[] = { safetensors, heft, tied };

	fail_each_allocation(convert, from[_i / 4], _i % 4);
}
END_TEST

START_TEST(conversions_by_two_threads)
{
	const char *const from[] = { safetensors, heft };

	n_threads = 2;
	fail_each_allocation(convert, from[_i / 4], _i % 4);
}
END_TEST

static enum heft_status declare_all(struct heft_writer *w)
{
	const struct heft_tensor a = {
		.name = "a", .dtype = HEFT_DTYPE_F32, .rank = 2, .dims = { 1, 2 }
	};
	struct heft_tensor b = a;
	enum heft_status st = heft_declare(w, &a, &err);

	b.name = "b";
	if (st == HEFT_OK)
		st = heft_declare_tied(w, &b, 0, &err);
	return st == HEFT_OK ? heft_set_metadata(w, "{\"k\":\"v\"}", &err) : st;
}

static enum heft_status create(const char *format, int variant)
{
	const struct heft_write_options options = { .overwrite = true,
		                                    .no_sync = true,
		                                    .compress = (enum heft_compress)variant };
	static const float values[] = { 1, 2 };
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_writer *w;
	enum heft_status st = heft_create(target, format, &options, &w, &err);

	if (st != HEFT_OK)
		return st;
	st = declare_all(w);
	if (st == HEFT_OK)
		st = heft_put(w, 0, values, 3, &err);
	if (st == HEFT_OK)
		st = heft_put(w, 0, (const char *)values + 3, sizeof values - 3, &err);
	if (st == HEFT_OK)
		return heft_commit(w, digest, &err);
	heft_discard(w);
	return st;
}

START_TEST(creating)
{
	fail_each_allocation(create, _i < 2 ? "heft" : "safetensors", _i == 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights no memory");
	TCase *tc = tcase_create("no memory");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, reading, 0, 9);
	tcase_add_loop_test(tc, digests_and_verification, 0, 15);
	tcase_add_loop_test(tc, expecting_a_digest, 0, 2);
	tcase_add_loop_test(tc, conversions, 0, 12);
	tcase_add_loop_test(tc, conversions_by_two_threads, 0, 8);
	tcase_add_loop_test(tc, creating, 0, 3);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
