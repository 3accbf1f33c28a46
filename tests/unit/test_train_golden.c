/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_train_golden.c - the golden runs of spec/numerics.md (F7-80): a model, data and a recipe
 * give these weights, on any number of threads and on any CPU.
 *
 * QUICK=1: one thread, on the best CPU and on plain C, as an emulator wants it. UPDATE=1 prints the
 * rows as they come out.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heft/digest.h"
#include "heft/train.h"
#include "unit.h"

#define MAX_ROWS 32

struct row {
	char model[64];
	char data[64];
	char recipe[512];
	char digest[65];
};

static struct row rows[MAX_ROWS];
static int n_rows;

/* The next cell of a line of a table, without blanks and backquotes around it. */
static bool cell(char **at, char *to, size_t room)
{
	char *end;

	*at += strspn(*at, "| ");
	end = strstr(*at, " |");
	if (!end)
		return false;
	*at += strspn(*at, "`");
	snprintf(to, room, "%.*s", (int)(end - *at), *at);
	to[strcspn(to, "`")] = '\0';
	*at = end;
	return true;
}

static void read_rows(void)
{
	char path[600];
	char line[1024];
	FILE *f;

	snprintf(path, sizeof path, "%s/../numerics.md", getenv("VECTORS"));
	f = fopen(path, "r");
	if (!f)
		return;
	while (fgets(line, sizeof line, f)) {
		struct row *r = &rows[n_rows];
		char *at = line;

		if (strncmp(line, "| digits", 8) != 0 || n_rows == MAX_ROWS)
			continue;
		if (cell(&at, r->model, sizeof r->model) && cell(&at, r->data, sizeof r->data) &&
		    cell(&at, r->recipe, sizeof r->recipe) &&
		    cell(&at, r->digest, sizeof r->digest))
			n_rows++;
	}
	fclose(f);
}

static const char *fixture(const char *name, char *path, size_t room)
{
	snprintf(path, room, "%s/%s", getenv("FIXTURES"), name);
	return path;
}

static void run(const struct row *r, uint32_t n_threads, uint32_t cpu_mask, char *hex)
{
	const struct heft_trainer_options o = { .n_threads = n_threads, .cpu_mask = cpu_mask };
	struct heft_error err = { .msg = "" };
	struct heft_epoch_report epoch;
	struct heft_recipe *recipe;
	struct heft_dataset *data;
	struct heft_trainer *t;
	struct heft_file *file;
	char path[600];

	ck_assert_msg(heft_open(fixture(r->model, path, sizeof path), NULL, &file, &err) == HEFT_OK,
	              "%s", err.msg);
	ck_assert_msg(heft_dataset_open(fixture(r->data, path, sizeof path), NULL, &data, &err) ==
	                      HEFT_OK,
	              "%s", err.msg);
	ck_assert_int_eq(heft_recipe_new(&recipe, &err), HEFT_OK);
	ck_assert_msg(heft_recipe_parse(recipe, r->recipe, strlen(r->recipe), &err) == HEFT_OK,
	              "%s: %s", r->recipe, err.msg);
	ck_assert_msg(heft_trainer_new(file, recipe, data, NULL, &o, &t, &err) == HEFT_OK, "%s",
	              err.msg);
	do {
		ck_assert_msg(heft_trainer_epoch(t, &epoch, &err) == HEFT_OK, "%s", err.msg);
	} while (!epoch.is_last);
	for (int i = 0; i < HEFT_TRAIN_DIGEST_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", epoch.weights_digest[i]);
	heft_trainer_free(t);
	heft_recipe_free(recipe);
	heft_dataset_close(data);
	heft_close(file);
}

/* Loop: rows. */
START_TEST(a_golden_run_gives_its_weights)
{
	static const uint32_t masks[] = { HEFT_RUN_BEST, HEFT_RUN_AVX2, HEFT_RUN_SCALAR };
	static const uint32_t counts[] = { 1, 2, 3, 7 };
	const struct row *r = &rows[_i];
	const bool is_quick = getenv("QUICK") != NULL;
	char hex[65];

	for (size_t k = 0; k < 6; k++) {
		const uint32_t mask = masks[k % 3];
		const uint32_t n = is_quick ? 1 : counts[(k + (size_t)_i) % 4];

		if (is_quick && (k > 2 || mask == HEFT_RUN_AVX2))
			continue;
		run(r, n, mask, hex);
		if (getenv("UPDATE"))
			printf("# | %s | %s | `%s` | `%s` |\n", r->model, r->data, r->recipe, hex);
		else
			ck_assert_msg(strcmp(hex, r->digest) == 0,
			              "%s, %u threads, mask %x: %s and not %s", r->recipe, n, mask,
			              hex, r->digest);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("train_golden");
	TCase *t = tcase_create("all");

	read_rows();
	if (n_rows < 4) {
		fprintf(stderr, "spec/numerics.md has %d golden runs\n", n_rows);
		return 1;
	}
	tcase_set_timeout(t, 600);
	tcase_add_loop_test(t, a_golden_run_gives_its_weights, 0, n_rows);
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
