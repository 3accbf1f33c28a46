/* SPDX-License-Identifier: Apache-2.0 */
/* test_artifact_no_memory.c - models written anew, and read and verified, while one allocation
 * fails: each round says so or does without, and leaves nothing in the folder. */
#include "alloc_fail.h"
#include "graph_made.h"
#include "heft/tuned.h"
#include "lineage_made.h"
#include "scratch.h"
#include "unit.h"

#define N_FILES 2u /* that set_up makes */

static struct scratch s;
static struct heft_error err;
static char *model;
static char *parent; /* a heft file of it with a lineage */
static char *target;

static const struct heft_tuned_options quick = { .write = { .no_sync = true },
	                                         .run = { .n_threads = 1 } };

static enum heft_status init(struct heft_file *file, const char *to)
{
	static const char *const keep[] = { "s" };
	const struct heft_init_options o = {
		.target = quick, .keep = keep, .n_keep = 1, .seed = 3
	};

	return heft_init_write(file, to, &o, NULL, &err);
}

static enum heft_status head(struct heft_file *file, const char *to)
{
	const struct heft_head_options o = { .n_classes = 3, .target = quick };

	return heft_head_write(file, to, &o, NULL, &err);
}

static enum heft_status give(void *user, const struct heft_tensor *t, const void **bytes,
                             struct heft_error *e)
{
	static const float values[40] = { 1, 2, 3 };

	(void)user;
	(void)e;
	if (t->n_bytes == sizeof values)
		*bytes = values;
	return HEFT_OK;
}

static enum heft_status tune(struct heft_file *file, const char *to)
{
	static const char *const columns[] = { "epoch" };
	static const double cells[] = { 1 };
	const struct heft_epochs table = {
		.columns = columns, .n_columns = 1, .cells = cells, .n_rows = 1
	};
	const struct heft_lineage_step step = { .numerics = 1 };

	return heft_tuned_write(file, to, give, NULL, &step, &table, &quick, NULL, &err);
}

static enum heft_status look(struct heft_file *file, const char *to)
{
	struct heft_lineage_report report;
	uint8_t digest[HEFT_DIGEST_SIZE] = { 0 };
	enum heft_status st;

	(void)to;
	st = heft_lineage_verify(file, digest, &report, &err);
	/* The digest is a wrong one, and so whatever was read does not agree. */
	return st == HEFT_OK && report.answer != HEFT_LINEAGE_DIFFERS ? HEFT_E_CORRUPT : st;
}

static void set_up(void)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer b;
	struct heft_file *file;

	scratch_init(&s);
	model = scratch_path(&s, "model.onnx");
	parent = scratch_path(&s, "parent.heft");
	target = scratch_path(&s, "target.heft");
	graph_add_weights(&graph, "w F32 4,10; b F32 10; s F32 4; t I64 2");
	graph_add_nodes(&graph, "z = Mul x s; m = MatMul z w; y = Add m b");
	graph_add_value(&graph, 11, "x", 1, "N,4");
	graph_add_value(&graph, 12, "y", 1, "N,10");
	b = made_model(&graph);
	scratch_write(model, b.bytes, b.size);
	heft_buffer_done(&b);
	ck_assert_int_eq(heft_open(model, NULL, &file, &err), HEFT_OK);
	ck_assert_msg(init(file, parent) == HEFT_OK, "%s", err.msg);
	heft_close(file);
}

static void tear_down(void)
{
	scratch_done(&s);
}

static enum heft_status open_and(const char *from,
                                 enum heft_status (*step)(struct heft_file *file, const char *to))
{
	const struct heft_open_options options = { .run = { .n_threads = 1 } };
	struct heft_file *file;
	enum heft_status st = heft_open(from, &options, &file, &err);

	if (st != HEFT_OK)
		return st;
	st = step(file, target);
	heft_close(file);
	return st;
}

START_TEST(each_allocation_may_fail)
{
	static enum heft_status (*const steps[])(struct heft_file *, const char *) = { init, head,
		                                                                       tune, look };
	const bool is_heft = _i % 2 == 1 || steps[_i / 2] == look;
	bool has_failed = true;
	size_t n = 1;

	for (; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = open_and(is_heft ? parent : model, steps[_i / 2]);
		has_failed = alloc_fail_done();
		ck_assert_msg(st == HEFT_OK || (has_failed && st == HEFT_E_NOMEM),
		              "allocation %zu: %d, %s", n, (int)st, err.msg);
		if (st == HEFT_OK && steps[_i / 2] != look)
			ck_assert_int_eq(unlink(target), 0);
		ck_assert_uint_eq(scratch_n_files(&s), N_FILES);
	}
	ck_assert_uint_gt(n, 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("artifact no memory");
	TCase *tc = tcase_create("no memory");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, each_allocation_may_fail, 0, 8);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
