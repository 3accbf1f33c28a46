/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_recipe.c - tests of lib/train/recipe*.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc_fail.h"
#include "train/loss_rule.h"
#include "train/optimizer.h"
#include "train/recipe.h"
#include "train/schedule.h"
#include "unit.h"

/* Nothing but defaults: what every lineage of such a run has. */
static const char defaults[] =
	"{\"loss\":\"auto\",\"class_weights\":[],\"label_smoothing\":0,\"ignore_index\":-100,"
	"\"pos_weight\":[],\"huber_delta\":1,\"optimizer\":\"adamw\",\"lr\":0.001,\"momentum\":0,"
	"\"dampening\":0,\"nesterov\":false,\"beta1\":0.9,\"beta2\":0.999,\"epsilon\":1e-08,"
	"\"weight_decay\":0.01,\"decay_all\":false,\"schedule\":\"constant\",\"warmup\":0,"
	"\"step_size\":1,\"gamma\":0.1,\"min_lr\":0,\"clip_norm\":0,\"clip_value\":0,\"epochs\":10,"
	"\"batch\":32,\"micro_batch\":32,\"seed\":0,\"split\":0,\"patience\":0,"
	"\"monitor\":\"val_loss\",\"keep\":\"best\",\"freeze\":[],\"train\":[],\"groups\":[],"
	"\"head\":0,\"head_init\":\"he\",\"skip_nonfinite\":false,\"normalize\":null,"
	"\"dropout\":true,\"checkpoint_every\":null}";

/* Every key, none at its default. */
static const char full[] =
	"{\"loss\":\"cross_entropy\",\"class_weights\":[1,0.5,0.1],\"label_smoothing\":0.1,"
	"\"ignore_index\":255,\"pos_weight\":[],\"huber_delta\":1,\"optimizer\":\"sgd\","
	"\"lr\":0.3333333333333333,\"momentum\":0.9,\"dampening\":0,\"nesterov\":true,"
	"\"beta1\":0.9,\"beta2\":0.999,\"epsilon\":1e-08,\"weight_decay\":0.0005,"
	"\"decay_all\":true,\"schedule\":\"cosine\",\"warmup\":100,\"step_size\":1,\"gamma\":0.1,"
	"\"min_lr\":1e-06,\"clip_norm\":1,\"clip_value\":0.5,\"epochs\":3,\"batch\":64,"
	"\"micro_batch\":16,\"seed\":18446744073709551615,\"split\":0.1,\"patience\":5,"
	"\"monitor\":\"val_accuracy\",\"keep\":\"last\",\"freeze\":[\"a*\",\"b\\\"\\\\\"],"
	"\"train\":[\"head.*\"],\"groups\":[{\"pattern\":\"x:y\",\"lr\":0.01},"
	"{\"pattern\":\"z\",\"lr\":0,\"weight_decay\":0.25}],\"head\":5,\"head_init\":\"zero\","
	"\"skip_nonfinite\":true,\"normalize\":{\"mean\":[0.485,0.456],\"std\":[0.2],"
	"\"scale\":255},\"dropout\":false,\"checkpoint_every\":{\"minutes\":2.5}}";

static struct heft_recipe *new_recipe(void)
{
	struct heft_recipe *r;

	ck_assert_int_eq(heft_recipe_new(&r, NULL), HEFT_OK);
	return r;
}

static void parse(struct heft_recipe *r, const char *json)
{
	struct heft_error err = { 0 };

	ck_assert_msg(heft_recipe_parse(r, json, strlen(json), &err) == HEFT_OK, "%s: %s", json,
	              err.msg);
}

static bool collect(void *user, const char *text, size_t n)
{
	struct heft_buffer *b = user;

	heft_buffer_add(b, text, n);
	return b->ok;
}

static void check_printed(const struct heft_recipe *r, uint32_t flags, const char *want)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	ck_assert_int_eq(heft_recipe_print(r, flags, collect, &b, NULL), HEFT_OK);
	heft_buffer_add_u8(&b, 0);
	ck_assert_str_eq((const char *)b.bytes, want);
	heft_buffer_done(&b);
}

START_TEST(a_new_recipe_has_the_defaults)
{
	struct heft_recipe *r = new_recipe();
	struct heft_error err = { 0 };

	check_printed(r, 0, defaults);
	ck_assert_msg(heft_recipe_check(r, &err) == HEFT_OK, "%s", err.msg);
	parse(r, defaults);
	ck_assert_msg(heft_recipe_check(r, &err) == HEFT_OK, "%s", err.msg);
	check_printed(r, 0, defaults);
	ck_assert(heft_recipe_is_set(r, "lr"));
	heft_recipe_free(r);
	heft_recipe_free(NULL);
}
END_TEST

START_TEST(what_is_printed_reads_back)
{
	struct heft_recipe *r = new_recipe();
	struct heft_recipe *copy;
	struct heft_error err = { 0 };

	parse(r, full);
	ck_assert_msg(heft_recipe_check(r, &err) == HEFT_OK, "%s", err.msg);
	check_printed(r, 0, full);
	ck_assert_int_eq(heft_recipe_copy(r, &copy, NULL), HEFT_OK);
	check_printed(copy, 0, full);
	heft_recipe_free(copy);
	/* null is what a key was at first */
	parse(r, "{\"groups\":null,\"freeze\":null,\"normalize\":null,\"lr\":null,\"monitor\":null,"
	         "\"optimizer\":null,\"momentum\":null,\"nesterov\":null,\"class_weights\":null}");
	ck_assert(!heft_recipe_is_set(r, "lr") && heft_recipe_is_set(r, "head"));
	ck_assert(!heft_recipe_is_set(r, "nothing"));
	ck_assert_uint_eq(r->groups.n, 0);
	ck_assert_str_eq(heft_recipe_monitor(r), "val_loss");
	ck_assert_str_eq(r->optimizer->name, "adamw");
	heft_recipe_free(r);
}
END_TEST

START_TEST(lines_are_for_people)
{
	struct heft_recipe *r = new_recipe();
	struct heft_buffer b;

	heft_buffer_init(&b);
	ck_assert_int_eq(heft_recipe_print(r, HEFT_RECIPE_LINES, collect, &b, NULL), HEFT_OK);
	ck_assert_int_eq(strncmp((const char *)b.bytes, "{\n  \"loss\": \"auto\",\n", 20), 0);
	ck_assert_int_eq(heft_recipe_parse(r, (const char *)b.bytes, b.size, NULL), HEFT_OK);
	check_printed(r, 0, defaults);
	heft_buffer_done(&b);
	heft_recipe_free(r);
}
END_TEST

/* Defaults that depend on the optimiser, whichever key comes first. */
START_TEST(the_optimizer_decides_its_defaults)
{
	static const struct {
		const char *name;
		double lr;
		double decay;
	} rows[] = { { "sgd", 0.01, 0 },
		     { "adam", 0.001, 0 },
		     { "adamw", 0.001, 0.01 },
		     { "amsgrad", 0.001, 0 } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct heft_recipe *r = new_recipe();

		ck_assert_int_eq(heft_recipe_set(r, "optimizer", rows[i].name, NULL), HEFT_OK);
		ck_assert_int_eq(heft_recipe_resolve(r, NULL), HEFT_OK);
		ck_assert(r->lr == rows[i].lr && r->weight_decay == rows[i].decay);
		ck_assert_uint_eq(r->micro_batch, 32);
		heft_recipe_free(r);
	}
}
END_TEST

/* --- options --- */

static const struct {
	const char *key;
	const char *text;
	const char *json; /* what the key is then */
} options[] = {
	{ "loss", "huber", "\"loss\":\"huber\"" },
	{ "loss", "auto", "\"loss\":\"auto\"" },
	{ "class_weights", "1,2.5,3e-1", "\"class_weights\":[1,2.5,0.3]" },
	{ "class_weights", "[1, 2]", "\"class_weights\":[1,2]" },
	{ "pos_weight", "3", "\"pos_weight\":[3]" },
	{ "ignore_index", "-1", "\"ignore_index\":-1" },
	{ "lr", "1e-2", "\"lr\":0.01" },
	{ "nesterov", "true", "\"nesterov\":true" },
	{ "seed", "18446744073709551615", "\"seed\":18446744073709551615" },
	{ "freeze", "layer[12].*,x", "\"freeze\":[\"layer[12].*,x\"]" },
	{ "freeze", "[\"a\", \"b\"]", "\"freeze\":[\"a\",\"b\"]" },
	{ "groups", "head.*:lr=1e-2,decay=0",
	  "\"groups\":[{\"pattern\":\"head.*\",\"lr\":0.01,\"weight_decay\":0}]" },
	{ "groups", "a:b:weight_decay=0.5",
	  "\"groups\":[{\"pattern\":\"a:b\",\"weight_decay\":0.5}]" },
	{ "normalize", "mean=0.5,0.4;std=0.2,0.25;scale=255",
	  "\"normalize\":{\"mean\":[0.5,0.4],\"std\":[0.2,0.25],\"scale\":255}" },
	{ "normalize", "std=2", "\"normalize\":{\"mean\":[],\"std\":[2],\"scale\":null}" },
	{ "normalize", "{\"scale\":2}", "\"normalize\":{\"mean\":[],\"std\":[],\"scale\":2}" },
	{ "checkpoint_every", "100 steps", "\"checkpoint_every\":{\"steps\":100}" },
	{ "checkpoint_every", "1 epoch", "\"checkpoint_every\":{\"epochs\":1}" },
	{ "checkpoint_every", "0.5minutes", "\"checkpoint_every\":{\"minutes\":0.5}" },
	{ "monitor", "val_f1", "\"monitor\":\"val_f1\"" },
	{ "keep", "last", "\"keep\":\"last\"" },
	{ "head_init", "xavier", "\"head_init\":\"xavier\"" },
};

START_TEST(an_option_sets_its_key)
{
	struct heft_recipe *r = new_recipe();
	struct heft_error err = { 0 };
	struct heft_buffer b;

	heft_buffer_init(&b);
	ck_assert_msg(heft_recipe_set(r, options[_i].key, options[_i].text, &err) == HEFT_OK,
	              "%s: %s", options[_i].key, err.msg);
	ck_assert(heft_recipe_is_set(r, options[_i].key));
	heft_recipe_add_text(r, 0, &b);
	heft_buffer_add_u8(&b, 0);
	ck_assert_msg(strstr((const char *)b.bytes, options[_i].json) != NULL, "%s: %s",
	              options[_i].json, (const char *)b.bytes);
	heft_buffer_done(&b);
	heft_recipe_free(r);
}
END_TEST

START_TEST(patterns_and_groups_are_added)
{
	struct heft_recipe *r = new_recipe();

	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(heft_recipe_set(r, "freeze", "a*", NULL), HEFT_OK);
		ck_assert_int_eq(heft_recipe_set(r, "groups", "a*:lr=1", NULL), HEFT_OK);
	}
	ck_assert_uint_eq(r->freeze.n, 5);
	ck_assert_uint_eq(r->groups.n, 5);
	ck_assert_int_eq(heft_recipe_set(r, "groups", "b*:lr=-1", NULL), HEFT_E_USAGE);
	ck_assert_uint_eq(r->groups.n, 5);
	ck_assert_int_eq(heft_recipe_set(r, "freeze", "[\"z\"]", NULL), HEFT_OK);
	ck_assert_uint_eq(r->freeze.n, 1);
	heft_recipe_free(r);
}
END_TEST

/* --- what is wrong --- */

static const struct {
	const char *key; /* NULL: of JSON */
	const char *text;
	const char *says;
} refused[] = {
	{ "momentun", "1", "a recipe has no key 'momentun'; the nearest one is 'momentum'" },
	{ NULL, "{\"learning_rate_of_it\":1}", "a recipe has no key 'learning_rate_of_it'" },
	{ NULL, "{\"epoch\":1}", "a recipe has no key 'epoch'; the nearest one is 'epochs'" },
	{ "momentum", "1", "'momentum' is not at least 0 and below 1" },
	{ "beta1", "-0.1", "'beta1' is not at least 0 and below 1" },
	{ "gamma", "0", "'gamma' is not above 0" },
	{ "lr", "-1", "'lr' is not at least 0" },
	{ "lr", "fast", "'lr' is 'fast' and not RATE" },
	{ "lr", "nan", "'lr' is 'nan' and not RATE" },
	{ "lr", "", "'lr' is '' and not RATE" },
	{ "lr", "1e999", "'lr' is too large a number" },
	{ NULL, "{\"lr\":\"1\"}", "'lr' is no number" },
	{ "epochs", "0", "'epochs' is not at least 1 and at most 1e+09" },
	{ "epochs", "2.5", "'epochs' is no whole number from 0 on" },
	{ "seed", "-1", "'seed' is no whole number from 0 on" },
	{ "ignore_index", "1e3", "'ignore_index' is no whole number" },
	{ "nesterov", "yes", "'nesterov' is 'yes' and not true|false" },
	{ NULL, "{\"nesterov\":1}", "'nesterov' is neither true nor false" },
	{ "keep", "first", "'keep' is 'first', and may be: best|last" },
	{ "optimizer", "lion",
	  "'optimizer' is 'lion', and may be: sgd, adam, adamw or amsgrad (adamw)" },
	{ "monitor", "loss",
	  "'monitor' is 'loss', and may be: what makes an epoch the best: "
	  "train_loss, val_loss, val_accuracy, ... (val_loss)" },
	{ "class_weights", "1,,2", "'class_weights' is '1,,2' and not W,W..." },
	{ "class_weights", "1,-2", "'class_weights' is not at least 0" },
	{ "class_weights", "[1", "'class_weights' is no JSON: '[1'" },
	{ "class_weights", "[1] 2", "'class_weights' is no JSON: '[1] 2'" },
	{ NULL, "{\"class_weights\":{}}", "'class_weights' is no list" },
	{ NULL, "{\"freeze\":[\"a\",1]}", "'freeze' is no text" },
	{ NULL, "{\"freeze\":[\"a\\u0000\"]}", "'freeze' is no text" },
	{ NULL, "{\"freeze\":\"a\"}", "'freeze' is no list" },
	{ "groups", "lr=1", "'groups' is 'lr=1' and not PATTERN:lr=R,decay=R" },
	{ "groups", "a:rate=1", "'groups' is 'a:rate=1' and not PATTERN:lr=R,decay=R" },
	{ "groups", "a:lr=1,lr=2", "'groups' is no JSON: 'a:lr=1,lr=2'" },
	{ NULL, "{\"groups\":[{\"lr\":1}]}", "'groups' is a group without a pattern" },
	{ NULL, "{\"groups\":[{\"pattern\":\"a\",\"momentum\":1}]}",
	  "a group has a key that is none of pattern, lr and weight_decay" },
	{ "normalize", "mean=1,2;std=1,2,3", "'normalize' has 2 means and 3 deviations" },
	{ "normalize", "std=0", "'normalize' is to have deviations above 0" },
	{ "checkpoint_every", "10 hours",
	  "'checkpoint_every' is '10 hours' and not N steps|epochs|minutes" },
	{ "checkpoint_every", "1.5 steps",
	  "'checkpoint_every' is no number of steps, epochs or minutes above 0" },
	{ "checkpoint_every", "{\"steps\":1,\"epochs\":1}",
	  "'checkpoint_every' is to have one of steps, epochs and minutes alone" },
	{ NULL, "[]", "a recipe is no JSON object" },
};

START_TEST(what_is_wrong_is_said)
{
	struct heft_recipe *r = new_recipe();
	struct heft_error err = { 0 };
	const char *key = refused[_i].key;
	const char *text = refused[_i].text;

	ck_assert_int_eq(key ? heft_recipe_set(r, key, text, &err)
	                     : heft_recipe_parse(r, text, strlen(text), &err),
	                 HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, refused[_i].says);
	ck_assert(key ? err.offset == HEFT_NO_OFFSET : err.offset < strlen(text));
	check_printed(r, 0, defaults);
	heft_recipe_free(r);
}
END_TEST

START_TEST(broken_json_is_told_with_its_place)
{
	static const char *const texts[] = {
		"", "{", "{\"lr\":0.1,}", "{\"lr\":1,\"lr\":2}", "{\"lr\":1}x", "{\"lr\":01}"
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct heft_recipe *r = new_recipe();
		struct heft_error err = { 0 };

		ck_assert_int_eq(heft_recipe_parse(r, texts[i], strlen(texts[i]), &err),
		                 HEFT_E_CORRUPT);
		ck_assert_uint_le(err.offset, strlen(texts[i]));
		heft_recipe_free(r);
	}
}
END_TEST

static const struct {
	const char *json;
	const char *says; /* NULL: nothing is wrong */
} together[] = {
	{ "{\"momentum\":0.9}", "optimizer 'adamw' has no 'momentum'" },
	{ "{\"optimizer\":\"adam\",\"nesterov\":true}", "optimizer 'adam' has no 'nesterov'" },
	{ "{\"optimizer\":\"sgd\",\"beta2\":0.9}", "optimizer 'sgd' has no 'beta2'" },
	{ "{\"optimizer\":\"sgd\",\"beta2\":0.999}", NULL },
	{ "{\"optimizer\":\"sgd\",\"nesterov\":true}",
	  "'nesterov' needs a 'momentum' above 0 and no 'dampening'" },
	{ "{\"optimizer\":\"sgd\",\"nesterov\":true,\"momentum\":0.9,\"dampening\":0.1}",
	  "'nesterov' needs a 'momentum' above 0 and no 'dampening'" },
	{ "{\"optimizer\":\"sgd\",\"nesterov\":true,\"momentum\":0.9}", NULL },
	{ "{\"optimizer\":\"sgd\",\"dampening\":0.1}", "'dampening' needs a 'momentum' above 0" },
	{ "{\"schedule\":\"step\"}", "schedule 'step' needs 'step_size'" },
	{ "{\"schedule\":\"exponential\"}", "schedule 'exponential' needs 'gamma'" },
	{ "{\"schedule\":\"exponential\",\"gamma\":0.9}", NULL },
	{ "{\"schedule\":\"cosine\",\"min_lr\":0.01}", "'min_lr' is above 'lr', which is 0.001" },
	{ "{\"micro_batch\":33}", "'micro_batch' is above 'batch', which is 32" },
	{ "{\"micro_batch\":32}", NULL },
	{ "{\"loss\":\"mse\",\"label_smoothing\":0.1}", "loss 'mse' has no 'label_smoothing'" },
	{ "{\"loss\":\"bce\",\"class_weights\":[1]}", "loss 'bce' has no 'class_weights'" },
	{ "{\"loss\":\"bce\",\"pos_weight\":[2]}", NULL },
	{ "{\"loss\":\"cross_entropy\",\"pos_weight\":[2]}",
	  "loss 'cross_entropy' has no 'pos_weight'" },
	{ "{\"loss\":\"mse\",\"monitor\":\"val_accuracy\"}",
	  "'monitor' is 'val_accuracy', which loss 'mse' does not come with" },
	{ "{\"loss\":\"mse\",\"monitor\":\"val_r2\"}", NULL },
};

START_TEST(keys_must_go_together)
{
	struct heft_recipe *r = new_recipe();
	struct heft_error err = { 0 };

	parse(r, together[_i].json);
	ck_assert_int_eq(heft_recipe_check(r, &err), together[_i].says ? HEFT_E_USAGE : HEFT_OK);
	ck_assert_int_eq(heft_recipe_resolve(r, NULL), together[_i].says ? HEFT_E_USAGE : HEFT_OK);
	if (together[_i].says)
		ck_assert_str_eq(err.msg, together[_i].says);
	heft_recipe_free(r);
}
END_TEST

START_TEST(keys_come_in_canonical_order)
{
	const char *at = defaults;
	struct heft_recipe_key key;

	for (uint32_t i = 0; i < heft_recipe_n_keys(); i++) {
		char quoted[64];

		ck_assert_int_eq(heft_recipe_key_at(i, &key, NULL), HEFT_OK);
		ck_assert(key.help && key.form);
		snprintf(quoted, sizeof quoted, "\"%s\":", key.name);
		at = strstr(at, quoted);
		ck_assert_msg(at != NULL, "%s", key.name);
	}
	ck_assert_int_eq(heft_recipe_key_at(heft_recipe_n_keys(), &key, NULL), HEFT_E_USAGE);
	ck_assert_int_eq(heft_recipe_key_at(HEFT_RECIPE_GROUPS, &key, NULL), HEFT_OK);
	ck_assert(key.is_list && !key.is_switch);
	ck_assert_int_eq(heft_recipe_key_at(HEFT_RECIPE_DROPOUT, &key, NULL), HEFT_OK);
	ck_assert(key.is_switch && !key.is_list);
}
END_TEST

START_TEST(a_loss_has_its_attributes_in_all_bits)
{
	struct heft_recipe *r = new_recipe();
	struct heft_loss_attrs attrs;

	parse(r, "{\"loss\":\"cross_entropy\",\"label_smoothing\":0.1}");
	heft_loss_attrs_init(&attrs, r);
	ck_assert_uint_eq(attrs.n, 2);
	ck_assert_str_eq(attrs.rows[0].name, "label_smoothing");
	ck_assert(*(const double *)attrs.rows[0].tensor->bytes == 0.1);
	ck_assert(attrs.rows[1].i == -100);
	parse(r, "{\"loss\":\"huber\",\"label_smoothing\":0,\"huber_delta\":0.3}");
	heft_loss_attrs_init(&attrs, r);
	ck_assert_uint_eq(attrs.n, 1);
	ck_assert(*(const double *)attrs.rows[0].tensor->bytes == 0.3);
	parse(r, "{\"loss\":\"l1\"}");
	heft_loss_attrs_init(&attrs, r);
	ck_assert_uint_eq(attrs.n, 0);
	heft_recipe_free(r);
	for (uint32_t i = 0; heft_loss_rule_at(i); i++)
		ck_assert_ptr_nonnull(heft_op_find("heft", heft_loss_rule_at(i)->op_name));
	ck_assert_ptr_eq(heft_loss_rule_default(true), heft_loss_rule_find("cross_entropy"));
	ck_assert_ptr_eq(heft_loss_rule_default(false), heft_loss_rule_find("mse"));
}
END_TEST

static enum heft_status all_of_it(struct heft_recipe **r, struct heft_error *err)
{
	struct heft_recipe *copy = NULL;
	enum heft_status st = heft_recipe_new(r, err);

	if (st == HEFT_OK)
		st = heft_recipe_parse(*r, full, sizeof full - 1, err);
	if (st == HEFT_OK)
		st = heft_recipe_set(*r, "groups", "a:lr=1", err);
	if (st == HEFT_OK)
		st = heft_recipe_set(*r, "normalize", "mean=1,2;std=1", err);
	if (st == HEFT_OK)
		st = heft_recipe_set(*r, "freeze", "b", err);
	if (st == HEFT_OK)
		st = heft_recipe_copy(*r, &copy, err);
	heft_recipe_free(copy);
	return st;
}

START_TEST(without_memory_nothing_leaks)
{
	for (size_t n = 1;; n++) {
		struct heft_recipe *r = NULL;
		struct heft_error err = { 0 };
		enum heft_status st;

		alloc_fail_at(n);
		st = all_of_it(&r, &err);
		heft_recipe_free(r);
		if (!alloc_fail_done()) {
			ck_assert_int_eq(st, HEFT_OK);
			break;
		}
		ck_assert_int_eq(st, HEFT_E_NOMEM);
		ck_assert_int_eq(err.code, HEFT_E_NOMEM);
	}
}
END_TEST

static bool refuse(void *user, const char *text, size_t n)
{
	(void)user;
	(void)text;
	(void)n;
	return false;
}

START_TEST(a_recipe_that_cannot_be_written_says_so)
{
	struct heft_recipe *r = new_recipe();

	ck_assert_int_eq(heft_recipe_print(r, 0, refuse, NULL, NULL), HEFT_E_IO);
	heft_recipe_free(r);
}
END_TEST

#define N_OF(rows) (int)(sizeof(rows) / sizeof *(rows))

int main(void)
{
	Suite *s = suite_create("train_recipe");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, a_new_recipe_has_the_defaults);
	tcase_add_test(tc, what_is_printed_reads_back);
	tcase_add_test(tc, lines_are_for_people);
	tcase_add_test(tc, the_optimizer_decides_its_defaults);
	tcase_add_loop_test(tc, an_option_sets_its_key, 0, N_OF(options));
	tcase_add_test(tc, patterns_and_groups_are_added);
	tcase_add_loop_test(tc, what_is_wrong_is_said, 0, N_OF(refused));
	tcase_add_test(tc, broken_json_is_told_with_its_place);
	tcase_add_loop_test(tc, keys_must_go_together, 0, N_OF(together));
	tcase_add_test(tc, keys_come_in_canonical_order);
	tcase_add_test(tc, a_loss_has_its_attributes_in_all_bits);
	tcase_add_test(tc, without_memory_nothing_leaks);
	tcase_add_test(tc, a_recipe_that_cannot_be_written_says_so);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
