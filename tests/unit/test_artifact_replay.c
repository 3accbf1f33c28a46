/* SPDX-License-Identifier: Apache-2.0 */
/* test_artifact_replay.c - a training that is done again: the same weights, from its checkpoints as
 * well; and a lineage that tells another one is found out, at the step and the tensor. */
#include "heft/replay.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "heft/tune.h"
#include "scratch.h"
#include "unit.h"

#define N_STEPS 45 /* of an epoch: 1,438 samples, 32 at a time */

static const char recipe_text[] =
	"{\"optimizer\":\"adam\",\"epochs\":3,\"split\":0.2,\"keep\":\"last\"}";
static const struct heft_tuned_options quick = { .write = { .no_sync = true } };

static struct scratch s;
static struct heft_error err;
static char *path; /* of the tuned model */
static struct heft_file *base;
static struct heft_file *tuned;
static struct heft_dataset *data;
static struct heft_lineage *lineage;
static struct heft_lineage_step step;
static struct heft_lineage_link links[8];

#define OK(call) ck_assert_msg((call) == HEFT_OK, "%s", err.msg)

static void fixture(const char *name, char *to, size_t room)
{
	snprintf(to, room, "%s/%s", getenv("FIXTURES"), name);
}

static bool stop_at(void *user, const struct heft_step_report *r)
{
	return user && r->step == *(const uint64_t *)user;
}

static enum heft_status train(const char *out, uint64_t *stop, uint64_t head,
                              const char *checkpoint)
{
	struct heft_tune_options o = { .target = quick,
		                       .trainer = { .n_threads = 1 },
		                       .calls = { .step = stop_at, .user = stop },
		                       .checkpoint = checkpoint };
	struct heft_tune_report report;
	struct heft_recipe *recipe;
	enum heft_status st;
	char number[32];

	OK(heft_recipe_new(&recipe, &err));
	OK(heft_recipe_parse(recipe, recipe_text, strlen(recipe_text), &err));
	snprintf(number, sizeof number, "%d", (int)head);
	OK(heft_recipe_set(recipe, "head", number, &err));
	st = heft_tune(base, out, recipe, data, NULL, &o, &report, &err);
	heft_recipe_free(recipe);
	return st;
}

static void set_up(void)
{
	char name[600];

	scratch_init(&s);
	path = scratch_path(&s, "tuned.heft");
	fixture("digits.onnx", name, sizeof name);
	OK(heft_open(name, NULL, &base, &err));
	fixture("digits.npz", name, sizeof name);
	OK(heft_dataset_open(name, NULL, &data, &err));
	OK(train(path, NULL, 0, NULL));
	OK(heft_open(path, NULL, &tuned, &err));
	OK(heft_lineage_read(tuned, &lineage, &err));
	OK(heft_lineage_step_at(lineage, heft_lineage_n_steps(lineage) - 1, &step, &err));
	ck_assert_uint_eq(step.n_links, 3);
	memcpy(links, step.links, step.n_links * sizeof *links);
	step.links = links;
}

static void tear_down(void)
{
	heft_lineage_free(lineage);
	heft_close(tuned);
	heft_dataset_close(data);
	heft_close(base);
	scratch_done(&s);
}

static struct heft_replay_report replay(struct heft_file *file, struct heft_replay_options o)
{
	struct heft_replay_report report;

	o.beside = path;
	OK(heft_replay(file, base, data, NULL, &o, &report, &err));
	return report;
}

/* --- the same --- */

START_TEST(any_threads_and_cpu_give_the_same)
{
	static const uint32_t masks[] = { HEFT_RUN_BEST, HEFT_RUN_AVX2, HEFT_RUN_SCALAR };

	for (uint32_t i = 0; i < 3; i++) {
		const struct heft_replay_report r = replay(
			tuned, (struct heft_replay_options){
				       .trainer = { .n_threads = i + 1, .cpu_mask = masks[i] } });

		ck_assert_msg(r.is_same, "%s", r.msg);
		ck_assert(r.was_whole);
		ck_assert_uint_eq(r.n_steps, 3 * N_STEPS);
		ck_assert_uint_eq(r.n_links, 3);
	}
}
END_TEST

START_TEST(a_segment_ends_at_its_link)
{
	const struct heft_replay_report r = replay(tuned,
	                                           (struct heft_replay_options){ .n_links = 1 });

	ck_assert(r.is_same);
	ck_assert(!r.was_whole);
	ck_assert_uint_eq(r.n_steps, N_STEPS);
	ck_assert_uint_eq(r.good_step, N_STEPS);
}
END_TEST

START_TEST(a_checkpoint_saves_the_steps_before)
{
	char *checkpoint = scratch_path(&s, "run.ckpt");
	char *other = scratch_path(&s, "other.heft");
	uint64_t stop = N_STEPS;
	struct heft_replay_report r;

	ck_assert_int_eq(train(other, &stop, 0, checkpoint), HEFT_E_CANCELLED);
	r = replay(tuned, (struct heft_replay_options){ .checkpoint = checkpoint });
	ck_assert_msg(r.is_same, "%s", r.msg);
	ck_assert(r.was_whole);
	ck_assert_uint_eq(r.n_steps, 2 * N_STEPS);
	ck_assert_uint_eq(r.n_links, 3);
	r = replay(tuned, (struct heft_replay_options){ .checkpoint = checkpoint, .n_links = 2 });
	ck_assert(r.is_same && !r.was_whole);
	ck_assert_uint_eq(r.n_steps, N_STEPS);
}
END_TEST

START_TEST(a_new_head_is_made_again)
{
	char *headed = scratch_path(&s, "headed.heft");
	struct heft_replay_report r;
	struct heft_file *file;

	OK(train(headed, NULL, 12, NULL));
	OK(heft_open(headed, NULL, &file, &err));
	r = replay(file, (struct heft_replay_options){ 0 });
	ck_assert_msg(r.is_same && r.was_whole, "%s", r.msg);
	heft_close(file);
}
END_TEST

/* --- another one --- */

/* The tuned file's values. */
static enum heft_status give(void *user, const struct heft_tensor *t, const void **bytes,
                             struct heft_error *e)
{
	static _Alignas(8) uint8_t room[1 << 16];
	struct heft_tensor found;
	enum heft_status st;

	(void)user;
	st = heft_find(tuned, t->name, &found, e);
	if (st != HEFT_OK || found.n_bytes > sizeof room)
		return st;
	*bytes = room;
	return heft_read(tuned, &found, 0, room, (size_t)found.n_bytes, e);
}

/* A file of the same weights that tells `step`: its chain and its result agree with each other. */
static struct heft_file *told(const char *name)
{
	char *out = scratch_path(&s, name);
	struct heft_lineage_report report;
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file;

	OK(heft_lineage_chain(step.recipe, step.parent_digest, links, step.n_links, &err));
	OK(heft_tuned_write(base, out, give, NULL, &step, NULL, &quick, digest, &err));
	OK(heft_open(out, NULL, &file, &err));
	OK(heft_lineage_verify(file, digest, &report, &err));
	ck_assert_int_eq(report.answer, HEFT_LINEAGE_AGREES);
	return file;
}

START_TEST(another_recipe_is_found_out)
{
	char *recipe = strdup(step.recipe);
	char *lr = strstr(recipe, "\"lr\":0.001");
	struct heft_replay_report r;
	struct heft_file *file;

	ck_assert_ptr_nonnull(lr);
	memcpy(lr, "\"lr\":0.002", 10);
	step.recipe = recipe;
	file = told("lr.heft");
	r = replay(file, (struct heft_replay_options){ 0 });
	ck_assert(!r.is_same);
	ck_assert_uint_eq(r.bad_link, 1);
	ck_assert_uint_eq(r.good_step, 0);
	ck_assert_uint_eq(r.bad_step, N_STEPS);
	ck_assert_str_eq(r.tensor, step.changed[0]);
	ck_assert_str_eq(r.msg, "the weights first differ between step 0 and step 45, link 1");
	heft_close(file);
	free(recipe);
}
END_TEST

START_TEST(another_link_is_found_out)
{
	struct heft_replay_report r;
	struct heft_file *file;

	links[1].weights_digest[5] ^= 1;
	file = told("link.heft");
	r = replay(file, (struct heft_replay_options){ 0 });
	ck_assert(!r.is_same);
	ck_assert_uint_eq(r.bad_link, 2);
	ck_assert_uint_eq(r.good_step, N_STEPS);
	ck_assert_uint_eq(r.bad_step, 2 * N_STEPS);
	ck_assert_str_eq(r.tensor, "");
	heft_close(file);
}
END_TEST

START_TEST(a_lineage_that_ends_early_is_found_out)
{
	struct heft_replay_report r;
	struct heft_file *file;

	step.n_links = 2; /* of three epochs */
	file = told("early.heft");
	r = replay(file, (struct heft_replay_options){ 0 });
	ck_assert(!r.is_same);
	ck_assert_uint_eq(r.bad_link, 0);
	ck_assert_str_ne(r.tensor, "");
	heft_close(file);
}
END_TEST

START_TEST(another_kept_step_is_found_out)
{
	struct heft_replay_report r;
	struct heft_file *file;

	step.kept_step = 1;
	file = told("kept.heft");
	r = replay(file, (struct heft_replay_options){ 0 });
	ck_assert(!r.is_same);
	ck_assert_str_eq(r.msg, "the weights that are kept are those of step 135, and the "
	                        "lineage tells step 1");
	heft_close(file);
}
END_TEST

START_TEST(a_base_that_is_another_is_named)
{
	struct heft_replay_report report;

	ck_assert_int_eq(heft_replay(tuned, tuned, data, NULL, NULL, &report, &err), HEFT_E_USAGE);
	ck_assert_msg(strncmp(err.msg, "the base has digest ", 20) == 0, "%s", err.msg);
}
END_TEST

START_TEST(a_checkpoint_without_a_link_is_refused)
{
	char *checkpoint = scratch_path(&s, "run.ckpt");
	const struct heft_replay_options o = { .checkpoint = checkpoint };
	struct heft_replay_report report;
	uint64_t stop = 7;

	ck_assert_int_eq(train(scratch_path(&s, "other.heft"), &stop, 0, checkpoint),
	                 HEFT_E_CANCELLED);
	ck_assert_int_eq(heft_replay(tuned, base, data, NULL, &o, &report, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "step 7"));
}
END_TEST

START_TEST(a_file_that_was_not_trained_is_refused)
{
	struct heft_replay_report report;

	ck_assert_int_eq(heft_replay(base, base, data, NULL, NULL, &report, &err),
	                 HEFT_E_NOT_FOUND);
}
END_TEST

START_TEST(a_link_that_is_not_there_is_refused)
{
	const struct heft_replay_options o = { .n_links = 4 };
	struct heft_replay_report report;

	ck_assert_int_eq(heft_replay(tuned, base, data, NULL, &o, &report, &err), HEFT_E_USAGE);
}
END_TEST

int main(void)
{
	TCase *same = tcase_create("same");
	TCase *another = tcase_create("another");
	Suite *suite = suite_create("artifact replay");

	tcase_add_checked_fixture(same, set_up, tear_down);
	tcase_add_test(same, any_threads_and_cpu_give_the_same);
	tcase_add_test(same, a_segment_ends_at_its_link);
	tcase_add_test(same, a_checkpoint_saves_the_steps_before);
	tcase_add_test(same, a_new_head_is_made_again);
	tcase_set_timeout(same, 120);
	suite_add_tcase(suite, same);
	tcase_add_checked_fixture(another, set_up, tear_down);
	tcase_add_test(another, another_recipe_is_found_out);
	tcase_add_test(another, another_link_is_found_out);
	tcase_add_test(another, a_lineage_that_ends_early_is_found_out);
	tcase_add_test(another, another_kept_step_is_found_out);
	tcase_add_test(another, a_base_that_is_another_is_named);
	tcase_add_test(another, a_checkpoint_without_a_link_is_refused);
	tcase_add_test(another, a_file_that_was_not_trained_is_refused);
	tcase_add_test(another, a_link_that_is_not_there_is_refused);
	tcase_set_timeout(another, 120);
	suite_add_tcase(suite, another);
	return heft_unit_run(suite);
}
