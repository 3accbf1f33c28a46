/* SPDX-License-Identifier: Apache-2.0 */
/* log_text.c - tells a lineage step by step: from what, on what, how, and what came out. */
#include "log_text.h"

#include "columns.h"
#include "heft/recipe.h"
#include "json_members.h"
#include "print_name.h"
#include "term.h"
#include "utf8_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 80
#define INDENT 12   /* of what stands behind a title */
#define ROWS_MAX 20 /* of a table that is not shown whole */
#define EPOCH_COLUMNS_MAX 8

/* --- lines of words that are broken --- */

struct lines {
	struct output *out;
	size_t at; /* the column that comes next */
};

static void begin_line(struct lines *l, struct output *out, const char *title)
{
	*l = (struct lines){ .out = out, .at = INDENT };
	output_format(out, "  %-*s", INDENT - 2, title);
}

/* A word, behind the separator where it is not the first of its line. */
static void add_word(struct lines *l, const char *separator, const char *word)
{
	const size_t n = utf8_width(word, strlen(word));

	if (l->at > INDENT && l->at + strlen(separator) + n > WIDTH - 1) {
		/* The separator's blank is the end of the line. */
		output_format(l->out, "%.*s\n%*s", (int)strcspn(separator, " "), separator, INDENT,
		              "");
		l->at = INDENT;
	} else if (l->at > INDENT) {
		output_text(l->out, separator);
		l->at += strlen(separator);
	}
	output_text(l->out, word);
	l->at += n;
}

static void end_line(struct lines *l)
{
	output_char(l->out, '\n');
}

static void print_digest_line(struct output *out, const char *title, const uint8_t *digest)
{
	output_format(out, "  %-*s", INDENT - 2, title);
	output_hex(out, digest, HEFT_DIGEST_SIZE);
	output_char(out, '\n');
}

/* --- the recipe --- */

static bool keep_text(void *user, const char *text, size_t n)
{
	output_bytes(user, text, n);
	return true;
}

/* The usual recipe of an optimiser, into `usual`; false where there is none. */
static bool print_usual(const char *optimizer, size_t n, struct output *usual)
{
	struct heft_recipe *recipe;
	struct output name;
	bool is_made = false;

	if (heft_recipe_new(&recipe, NULL) != HEFT_OK)
		return false;
	output_init(&name, -1);
	output_bytes(&name, optimizer, n);
	if (n == 0 || heft_recipe_set(recipe, "optimizer", output_string(&name), NULL) == HEFT_OK)
		is_made = heft_recipe_print(recipe, 0, keep_text, usual, NULL) == HEFT_OK;
	output_done(&name);
	heft_recipe_free(recipe);
	return is_made;
}

static bool find_member(const char *json, const char *key, size_t key_size,
                        struct json_member *found)
{
	while (json_members_next(&json, found))
		if (found->key_size == key_size && memcmp(found->key, key, key_size) == 0)
			return true;
	return false;
}

/* A recipe's optimiser without its quotes. */
static size_t optimizer_of(const char *recipe, const char **name)
{
	struct json_member m;

	*name = "";
	if (!find_member(recipe, "optimizer", strlen("optimizer"), &m) || m.value_size < 2)
		return 0;
	*name = m.value + 1;
	return m.value_size - 2;
}

/* Usually a batch is done at once. */
static const char *usual_of(const struct heft_lineage_step *s, const char *usual,
                            const struct json_member *m, struct json_member *like)
{
	static const char micro[] = "micro_batch";

	*like = *m;
	if (m->key_size != strlen(micro) || memcmp(m->key, micro, m->key_size) != 0)
		return usual;
	like->key = "batch";
	like->key_size = strlen(like->key);
	return s->recipe;
}

static bool is_usual(const struct heft_lineage_step *s, const char *all_usual,
                     const struct json_member *m)
{
	struct json_member like;
	struct json_member u;
	const char *usual = usual_of(s, all_usual, m, &like);

	return find_member(usual, like.key, like.key_size, &u) && u.value_size == m->value_size &&
	       memcmp(u.value, m->value, m->value_size) == 0;
}

/* What every recipe shows: it is what one asks first. */
static bool is_always_told(const struct json_member *m)
{
	static const char *const keys[] = { "loss", "optimizer", "lr", "epochs", "batch", NULL };

	for (size_t i = 0; keys[i]; i++)
		if (m->key_size == strlen(keys[i]) && memcmp(m->key, keys[i], m->key_size) == 0)
			return true;
	return false;
}

static void add_member(struct lines *l, struct output *word, const struct json_member *m)
{
	const bool is_text = m->value_size >= 2 && m->value[0] == '"';
	struct output raw;

	output_init(&raw, -1);
	output_bytes(&raw, m->key, m->key_size);
	output_char(&raw, ' ');
	output_bytes(&raw, m->value + is_text, m->value_size - 2 * (size_t)is_text);
	output_clear(word);
	print_words(word, output_string(&raw));
	add_word(l, ", ", output_string(word));
	output_done(&raw);
}

static void print_recipe(struct output *out, const struct heft_lineage_step *s, bool is_all)
{
	const char *at = s->recipe;
	const char *optimizer;
	const size_t n = optimizer_of(s->recipe, &optimizer);
	struct json_member m;
	struct output usual;
	struct output word;
	struct lines l;
	bool has_usual = false;

	output_init(&usual, -1);
	output_init(&word, -1);
	if (s->kind == HEFT_LINEAGE_TUNE && !is_all)
		has_usual = print_usual(optimizer, n, &usual);
	begin_line(&l, out, "recipe");
	while (json_members_next(&at, &m))
		if (!has_usual || is_always_told(&m) || !is_usual(s, output_string(&usual), &m))
			add_member(&l, &word, &m);
	if (!find_member(s->recipe, "seed", strlen("seed"), &m)) {
		output_clear(&word);
		output_format(&word, "seed %" PRIu64, s->seed);
		add_word(&l, ", ", output_string(&word));
	}
	end_line(&l);
	output_done(&word);
	output_done(&usual);
}

/* --- other parts of a step --- */

static void print_data(struct output *out, const struct heft_lineage_step *s)
{
	for (uint32_t i = 0; i < s->n_data; i++) {
		const struct heft_lineage_data *d = &s->data[i];

		output_format(out, "  %-*s", INDENT - 2, d->use);
		output_grouped(out, d->n_samples);
		output_text(out, d->n_samples == 1 ? " sample of " : " samples of ");
		for (uint32_t k = 0; k < d->n_arrays; k++) {
			output_text(out, k > 0 ? ", " : "");
			print_words(out, d->arrays[k]);
		}
		output_text(out, d->n_arrays > 0 ? "\n" : "no array\n");
		print_digest_line(out, "", d->digest);
	}
}

static void print_names(struct output *out, const char *title, const char *const *names, uint32_t n,
                        bool is_all)
{
	const uint32_t n_told = is_all || n <= 8 ? n : 6;
	struct output word;
	struct lines l;

	if (n == 0)
		return;
	output_init(&word, -1);
	begin_line(&l, out, title);
	for (uint32_t i = 0; i < n_told; i++) {
		output_clear(&word);
		print_words(&word, names[i]);
		add_word(&l, ", ", output_string(&word));
	}
	if (n_told < n) {
		output_clear(&word);
		output_format(&word, "and %" PRIu32 " more", n - n_told);
		add_word(&l, " ", output_string(&word));
	}
	end_line(&l);
	output_done(&word);
}

static void print_rewrites(struct output *out, const struct heft_lineage_step *s)
{
	for (uint32_t i = 0; i < s->n_rewrites; i++) {
		output_format(out, "  %-*s", INDENT - 2, i == 0 ? "graph" : "");
		print_words(out, s->rewrites[i].what);
		if (s->rewrites[i].where[0]) {
			output_text(out, ": ");
			print_words(out, s->rewrites[i].where);
		}
		output_char(out, '\n');
	}
}

static void print_metrics(struct output *out, const struct heft_lineage_step *s)
{
	struct output word;
	struct lines l;

	if (s->n_metrics == 0)
		return;
	output_init(&word, -1);
	begin_line(&l, out, "metrics");
	for (uint32_t i = 0; i < s->n_metrics; i++) {
		output_clear(&word);
		print_words(&word, s->metrics[i].name);
		if (isnan(s->metrics[i].value))
			output_text(&word, " -");
		else
			output_format(&word, " %.6g", s->metrics[i].value);
		add_word(&l, ", ", output_string(&word));
	}
	end_line(&l);
	output_done(&word);
}

static void print_kept(struct output *out, const struct heft_lineage_step *s)
{
	if (s->n_links > 0)
		output_format(out, "  %-*s%" PRIu32 " %s, the last at step %" PRIu64 "\n",
		              INDENT - 2, "chain", s->n_links, s->n_links == 1 ? "link" : "links",
		              s->links[s->n_links - 1].n_steps);
	if (s->kept[0])
		output_format(out,
		              "  %-*sthe %s weights, of epoch %" PRIu64 " (step %" PRIu64 ")\n",
		              INDENT - 2, "kept", s->kept, s->kept_epoch, s->kept_step);
}

static void print_step(struct output *out, uint32_t i, const struct heft_lineage_step *s,
                       bool is_all)
{
	static const char *const titles[] = {
		[HEFT_LINEAGE_TUNE] = "trained",
		[HEFT_LINEAGE_INIT] = "first values drawn",
		[HEFT_LINEAGE_HEAD] = "last layer replaced",
	};

	output_format(out, "\n%" PRIu32 ". %s by heft ", i + 1, titles[s->kind]);
	print_words(out, s->heft);
	if (s->revision[0]) {
		output_text(out, " (");
		print_words(out, s->revision);
		output_char(out, ')');
	}
	output_format(out, ", numerics %" PRIu32 "\n", s->numerics);
	print_digest_line(out, "from", s->parent_digest);
	if (is_all && s->has_parent_artifact)
		print_digest_line(out, "artifact", s->parent_artifact);
	print_data(out, s);
	print_recipe(out, s, is_all);
	print_rewrites(out, s);
	print_names(out, s->kind == HEFT_LINEAGE_TUNE ? "trained" : "new", s->changed, s->n_changed,
	            is_all);
	print_names(out, s->kind == HEFT_LINEAGE_TUNE ? "frozen" : "kept", s->frozen, s->n_frozen,
	            is_all);
	print_kept(out, s);
	print_metrics(out, s);
	print_digest_line(out, "gave", s->result_digest);
}

void log_print_steps(struct output *out, const struct heft_lineage *lineage, bool is_all)
{
	struct heft_lineage_step step;

	for (uint32_t i = 0; i < heft_lineage_n_steps(lineage); i++)
		if (heft_lineage_step_at(lineage, i, &step, NULL) == HEFT_OK)
			print_step(out, i, &step, is_all);
}

/* --- the table --- */

static void add_cell(struct columns *t, double value)
{
	if (isnan(value))
		output_char(&t->cells, '-');
	else
		output_format(&t->cells, "%.6g", value);
	columns_end_cell(t);
}

static void add_row(struct columns *t, const struct heft_epochs *e, uint32_t row, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		add_cell(t, e->cells[(size_t)row * e->n_columns + k]);
}

void log_print_epochs(struct output *out, const struct heft_epochs *e, bool is_all)
{
	const uint32_t n = e->n_columns < EPOCH_COLUMNS_MAX ? e->n_columns : EPOCH_COLUMNS_MAX;
	const uint32_t n_end = is_all || e->n_rows <= ROWS_MAX ? 0 : ROWS_MAX / 2;
	struct column columns[EPOCH_COLUMNS_MAX];
	struct output titles[EPOCH_COLUMNS_MAX];
	struct columns t;

	for (uint32_t k = 0; k < n; k++) {
		output_init(&titles[k], -1);
		print_words(&titles[k], e->columns[k]);
		columns[k] = (struct column){ .title = output_string(&titles[k]),
			                      .is_right = true };
	}
	columns_init(&t, columns, n);
	for (uint32_t i = 0; i < e->n_rows; i++)
		if (n_end == 0 || i < n_end || i >= e->n_rows - n_end)
			add_row(&t, e, i, n);
	output_char(out, '\n');
	columns_print(&t, out, 0, term_has_colour(STDOUT_FILENO));
	if (n_end > 0)
		output_format(out, "(%" PRIu32 " epochs; --all shows those in the middle)\n",
		              e->n_rows);
	columns_done(&t);
	for (uint32_t k = 0; k < n; k++)
		output_done(&titles[k]);
}
