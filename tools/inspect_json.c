/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_json.c - shows scripts what is in a file: one JSON object, whose keys are only ever
 * added. */
#include "inspect_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "heft/stats.h"
#include "inspect_graph.h"
#include "inspect_tree.h"
#include "json_out.h"
#include "progress_bar.h"
#include "tensor_words.h"

static void print_json_tensor(struct json_out *j, const struct inspection *x,
                              const struct heft_tensor *t)
{
	struct output word;

	output_init(&word, -1);
	json_out_begin(j, '{');
	json_out_key(j, "name");
	json_out_text(j, t->name);
	json_out_key(j, "dtype");
	tensor_words_dtype(&word, t->dtype);
	json_out_text(j, output_string(&word));
	json_out_key(j, "shape");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < t->rank; i++)
		json_out_u64(j, t->dims[i]);
	json_out_end(j, ']');
	json_out_key(j, "n_bytes");
	json_out_u64(j, t->n_bytes);
	json_out_key(j, "space");
	output_clear(&word);
	tensor_words_space(&word, t->space);
	json_out_text(j, output_string(&word));
	json_out_key(j, "role");
	json_out_text(j, heft_role_name(x->roles[t->index]));
	output_done(&word);
}

/* The name of the first tensor of its tie group; absent when it stands alone. */
static enum heft_status print_json_tie(struct json_out *j, struct heft_file *file,
                                       const struct heft_tensor *t, struct heft_error *err)
{
	struct heft_tensor first;
	enum heft_status st;

	if (t->tie == t->index)
		return HEFT_OK;
	st = heft_tensor_at(file, t->tie, &first, err);
	if (st == HEFT_OK) {
		json_out_key(j, "tied_to");
		json_out_text(j, first.name);
	}
	return st;
}

static void print_json_integer(struct json_out *j, uint64_t value, bool is_signed)
{
	char digits[32];

	if (!is_signed) {
		json_out_u64(j, value);
		return;
	}
	snprintf(digits, sizeof digits, "%" PRId64, (int64_t)value);
	json_out_raw(j, digits);
}

/* The extremes of integers to the last digit. */
static void print_json_extremes(struct json_out *j, const struct heft_tensor *t,
                                const struct heft_stats *s)
{
	const bool is_whole = s->is_integer && s->n_elements > 0;
	const bool is_signed = is_whole && *heft_dtype_name(t->dtype) == 'I';

	json_out_key(j, "min");
	if (is_whole)
		print_json_integer(j, s->min_integer, is_signed);
	else
		json_out_real(j, s->min);
	json_out_key(j, "max");
	if (is_whole)
		print_json_integer(j, s->max_integer, is_signed);
	else
		json_out_real(j, s->max);
}

static void print_json_counts(struct json_out *j, const struct heft_stats *s)
{
	json_out_key(j, "n_zero");
	json_out_u64(j, s->n_zero);
	json_out_key(j, "n_nan");
	json_out_u64(j, s->n_nan);
	json_out_key(j, "n_inf");
	json_out_u64(j, s->n_inf);
	json_out_key(j, "n_subnormal");
	json_out_u64(j, s->n_subnormal);
}

static void print_json_quantiles(struct json_out *j, const struct heft_stats *s)
{
	char key[16];

	json_out_key(j, "quantiles");
	json_out_begin(j, '{');
	for (uint32_t i = 0; i < HEFT_STATS_QUANTILES; i++) {
		snprintf(key, sizeof key, "%g", heft_stats_fraction(i));
		json_out_key(j, key);
		json_out_real(j, s->quantiles[i]);
	}
	json_out_end(j, '}');
}

static void print_json_histogram(struct json_out *j, const struct heft_stats *s)
{
	json_out_key(j, "histogram");
	json_out_begin(j, '{');
	json_out_key(j, "edges");
	json_out_begin(j, '[');
	for (uint32_t i = 0; s->n_bins > 0 && i <= s->n_bins; i++)
		json_out_real(j, s->edges[i]);
	json_out_end(j, ']');
	json_out_key(j, "counts");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < s->n_bins; i++)
		json_out_u64(j, s->counts[i]);
	json_out_end(j, ']');
	json_out_end(j, '}');
}

/* null for a dtype without numbers */
static void print_json_stats(struct json_out *j, const struct heft_tensor *t,
                             const struct heft_stats *s)
{
	json_out_key(j, "stats");
	if (!s->is_numeric) {
		json_out_text(j, NULL);
		return;
	}
	json_out_begin(j, '{');
	print_json_extremes(j, t, s);
	json_out_key(j, "mean");
	json_out_real(j, s->mean);
	json_out_key(j, "std");
	json_out_real(j, s->std);
	json_out_key(j, "abs_max");
	json_out_real(j, s->abs_max);
	json_out_key(j, "l2");
	json_out_real(j, s->l2);
	print_json_counts(j, s);
	print_json_quantiles(j, s);
	print_json_histogram(j, s);
	json_out_end(j, '}');
}

/* What a tensor's statistics are printed with, as they come. */
struct printing {
	struct json_out *j;
	const struct inspection *x;
	struct heft_run run; /* that of the progress bar */
	enum heft_status status;
	struct heft_error *err;
};

static void print_one(struct printing *p, const struct heft_tensor *t, const struct heft_stats *s)
{
	if (p->status != HEFT_OK || p->j->out->error)
		return;
	print_json_tensor(p->j, p->x, t);
	p->status = print_json_tie(p->j, p->x->file, t, p->err);
	if (s)
		print_json_stats(p->j, t, s);
	json_out_end(p->j, '}');
}

static void print_with_stats(void *user, const struct heft_tensor *t, const struct heft_stats *s)
{
	print_one(user, t, s);
}

/* Nobody reads on: the rest need not be computed. */
static bool step(void *user, uint64_t n_done, uint64_t n_total)
{
	const struct printing *p = user;

	return p->run.progress(p->run.user, n_done, n_total) || p->j->out->error != 0;
}

static enum heft_status print_json_all_stats(struct printing *p, uint32_t n_threads,
                                             struct heft_error *err)
{
	struct progress_bar bar;
	struct heft_run run;
	enum heft_status st;

	p->run = progress_bar_start(&bar, "inspect", p->x->name, n_threads);
	if (isatty(STDOUT_FILENO))
		bar.next = UINT64_MAX; /* it would stand between the lines */
	run = (struct heft_run){ .n_threads = n_threads, .progress = step, .user = p };
	st = heft_stats_each(p->x->file, p->x->shown, p->x->n_shown, &run, print_with_stats, p,
	                     err);
	progress_bar_done(&bar);
	if (st == HEFT_E_CANCELLED && p->j->out->error)
		return HEFT_OK; /* whose reason is reported with the output */
	return st == HEFT_OK ? p->status : st;
}

static enum heft_status print_json_tensors(struct json_out *j, const struct inspection *x,
                                           bool with_stats, uint32_t n_threads,
                                           struct heft_error *err)
{
	struct printing p = { .j = j, .x = x, .err = err };
	enum heft_status st = HEFT_OK;
	struct heft_tensor t;

	json_out_key(j, "tensors");
	json_out_begin(j, '[');
	if (with_stats)
		st = print_json_all_stats(&p, n_threads, err);
	for (uint32_t i = 0; !with_stats && i < x->n_shown && st == HEFT_OK && !j->out->error;
	     i++) {
		st = heft_tensor_at(x->file, x->shown[i], &t, err);
		if (st != HEFT_OK)
			break;
		print_one(&p, &t, NULL);
		st = p.status;
	}
	json_out_end(j, ']');
	return st;
}

static void print_json_state(struct json_out *j, const struct inspection *x)
{
	json_out_key(j, "generation");
	json_out_u64(j, x->state.generation);
	json_out_key(j, "n_dead_bytes");
	json_out_u64(j, x->state.n_dead_bytes);
	json_out_key(j, "n_tail_bytes");
	json_out_u64(j, x->state.n_tail_bytes);
	json_out_key(j, "has_bad_page");
	json_out_bool(j, x->state.has_bad_page);
}

enum heft_status inspect_json_print(struct output *out, const struct inspection *x, bool with_stats,
                                    uint32_t n_threads, struct heft_error *err)
{
	struct json_out j;
	enum heft_status st;

	json_out_init(&j, out);
	json_out_begin(&j, '{');
	json_out_key(&j, "file");
	json_out_text(&j, x->name);
	json_out_key(&j, "format");
	json_out_text(&j, heft_format_name(x->file));
	json_out_key(&j, "file_size");
	json_out_u64(&j, x->file_size);
	json_out_key(&j, "n_tensors");
	json_out_u64(&j, x->n_shown);
	json_out_key(&j, "n_elements");
	json_out_u64(&j, x->shown_total.n_elements);
	json_out_key(&j, "n_bytes");
	json_out_u64(&j, x->shown_total.n_bytes);
	if (x->has_digest) {
		json_out_key(&j, "weights_digest");
		json_out_hex(&j, x->digest, sizeof x->digest);
		print_json_state(&j, x);
	}
	if (x->graph_size > 0) {
		json_out_key(&j, "graph_size");
		json_out_u64(&j, x->graph_size);
	}
	json_out_key(&j, "metadata");
	json_out_raw(&j, x->metadata);
	st = print_json_tensors(&j, x, with_stats, n_threads, err);
	if (st == HEFT_OK && x->view == INSPECT_GRAPH)
		st = inspect_graph_print_json(&j, x, err);
	if (st == HEFT_OK && x->view == INSPECT_TREE)
		st = inspect_tree_print_json(&j, x, err);
	json_out_end(&j, '}');
	return st;
}
