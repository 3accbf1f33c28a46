/* SPDX-License-Identifier: Apache-2.0 */
/* eval_print.c - prints loss, metrics, a row for each class, and the confusion matrix. */
#include "eval_print.h"

#include "columns.h"
#include "json_out.h"
#include "print_name.h"
#include "term.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define MAX_ROWS 100     /* of classes, for people */
#define MAX_CONFUSION 20 /* classes, likewise */
#define MAX_WIDTH 80     /* of a confusion matrix that goes to no terminal */

static const char *class_name(const struct eval_names *names, uint32_t k)
{
	return k < names->n_classes ? names->classes[k] : NULL;
}

static void print_numbers(struct output *out, const struct heft_evaluated *e)
{
	const struct heft_evaluation *n = heft_evaluated_numbers(e);

	output_format(out, "  %-10s %.6g  (%s)\n", "loss", n->loss, heft_evaluated_loss(e));
	for (uint32_t i = 0; i < n->n_metrics; i++)
		output_format(out, "  %-10s %.6g\n", n->metrics[i].name, n->metrics[i].value);
}

/* --- classes --- */

static void add_class(struct columns *t, const struct heft_evaluated *e,
                      const struct eval_names *names, uint32_t k)
{
	struct heft_class_report c;
	double shares[3];

	if (heft_evaluated_class(e, k, &c, NULL) != HEFT_OK)
		return;
	shares[0] = c.precision;
	shares[1] = c.recall;
	shares[2] = c.f1;
	output_format(&t->cells, "%" PRIu32, k);
	columns_end_cell(t);
	if (names->classes) {
		print_words(&t->cells, class_name(names, k) ? class_name(names, k) : "");
		columns_end_cell(t);
	}
	output_grouped(&t->cells, c.n);
	columns_end_cell(t);
	for (int i = 0; i < 3; i++) {
		output_format(&t->cells, "%.4f", shares[i]);
		columns_end_cell(t);
	}
}

static void print_classes(struct output *out, const struct heft_evaluated *e,
                          const struct eval_names *names)
{
	static const struct column all[] = {
		{ .title = "class", .is_right = true },
		{ .title = "name", .min_width = 8, .cut = COLUMN_CUT_END },
		{ .title = "samples", .is_right = true },
		{ .title = "precision", .is_right = true },
		{ .title = "recall", .is_right = true },
		{ .title = "F1", .is_right = true },
	};
	struct column shown[sizeof all / sizeof *all];
	size_t n = 0;
	struct columns t;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (i != 1 || names->classes)
			shown[n++] = all[i];
	columns_init(&t, shown, n);
	for (uint32_t k = 0; k < heft_evaluated_n_classes(e); k++)
		add_class(&t, e, names, k);
	output_char(out, '\n');
	columns_print(&t, out, term_columns(STDOUT_FILENO), term_has_colour(STDOUT_FILENO));
	columns_done(&t);
}

/* --- confusion --- */

static int n_digits(uint64_t value)
{
	return snprintf(NULL, 0, "%" PRIu64, value);
}

static int cell_width(const struct heft_evaluated *e, uint32_t n)
{
	int width = n_digits(n - 1);

	for (uint32_t k = 0; k < n; k++) {
		const uint64_t *row = heft_evaluated_confusion(e, k);

		for (uint32_t g = 0; g < n; g++)
			width = n_digits(row[g]) > width ? n_digits(row[g]) : width;
	}
	return width + 1;
}

static void print_confusion(struct output *out, const struct heft_evaluated *e)
{
	const uint32_t n = heft_evaluated_n_classes(e);
	const size_t columns = term_columns(STDOUT_FILENO);
	const int width = cell_width(e, n);

	if (7 + (size_t)width * n > (columns > 0 ? columns : MAX_WIDTH))
		return;
	output_text(out, "\nof class, taken for\n       ");
	for (uint32_t g = 0; g < n; g++)
		output_format(out, "%*" PRIu32, width, g);
	output_char(out, '\n');
	for (uint32_t k = 0; k < n; k++) {
		const uint64_t *row = heft_evaluated_confusion(e, k);

		output_format(out, "%5" PRIu32 "  ", k);
		for (uint32_t g = 0; g < n; g++) {
			if (row[g] > 0)
				output_format(out, "%*" PRIu64, width, row[g]);
			else
				output_format(out, "%*s", width, ".");
		}
		output_char(out, '\n');
	}
}

void eval_print(struct output *out, const struct heft_evaluated *e, const struct eval_names *names)
{
	const uint32_t n = heft_evaluated_n_classes(e);

	print_words(out, names->model);
	output_text(out, " on ");
	print_words(out, names->data);
	output_text(out, ": ");
	output_grouped(out, heft_evaluated_numbers(e)->n);
	output_text(out, heft_evaluated_numbers(e)->n == 1 ? " sample\n" : " samples\n");
	print_numbers(out, e);
	if (n > MAX_ROWS)
		output_format(out, "  %" PRIu32 " classes: --json tells of each\n", n);
	else if (n > 0)
		print_classes(out, e, names);
	if (n > 1 && n <= MAX_CONFUSION)
		print_confusion(out, e);
}

/* --- JSON --- */

static void json_class(struct json_out *j, const struct heft_evaluated *e,
                       const struct eval_names *names, uint32_t k)
{
	struct heft_class_report c;

	if (heft_evaluated_class(e, k, &c, NULL) != HEFT_OK)
		return;
	json_out_begin(j, '{');
	json_out_key(j, "class");
	json_out_u64(j, k);
	json_out_key(j, "name");
	json_out_text(j, class_name(names, k));
	json_out_key(j, "n");
	json_out_u64(j, c.n);
	json_out_key(j, "n_guessed");
	json_out_u64(j, c.n_guessed);
	json_out_key(j, "n_correct");
	json_out_u64(j, c.n_correct);
	json_out_key(j, "precision");
	json_out_real(j, c.precision);
	json_out_key(j, "recall");
	json_out_real(j, c.recall);
	json_out_key(j, "f1");
	json_out_real(j, c.f1);
	json_out_end(j, '}');
}

static void json_confusion(struct json_out *j, const struct heft_evaluated *e)
{
	const uint32_t n = heft_evaluated_n_classes(e);

	json_out_key(j, "confusion");
	if (!heft_evaluated_confusion(e, 0)) {
		json_out_text(j, NULL);
		return;
	}
	json_out_begin(j, '[');
	for (uint32_t k = 0; k < n; k++) {
		const uint64_t *row = heft_evaluated_confusion(e, k);

		json_out_begin(j, '[');
		for (uint32_t g = 0; g < n; g++)
			json_out_u64(j, row[g]);
		json_out_end(j, ']');
	}
	json_out_end(j, ']');
}

void eval_print_json(struct output *out, const struct heft_evaluated *e,
                     const struct eval_names *names)
{
	const struct heft_evaluation *numbers = heft_evaluated_numbers(e);
	struct json_out j;

	json_out_init(&j, out);
	json_out_begin(&j, '{');
	json_out_key(&j, "file");
	json_out_text(&j, names->model);
	json_out_key(&j, "data");
	json_out_text(&j, names->data);
	json_out_key(&j, "n_samples");
	json_out_u64(&j, numbers->n);
	json_out_key(&j, "loss_name");
	json_out_text(&j, heft_evaluated_loss(e));
	json_out_key(&j, "loss");
	json_out_real(&j, numbers->loss);
	json_out_key(&j, "metrics");
	json_out_begin(&j, '{');
	for (uint32_t i = 0; i < numbers->n_metrics; i++) {
		json_out_key(&j, numbers->metrics[i].name);
		json_out_real(&j, numbers->metrics[i].value);
	}
	json_out_end(&j, '}');
	json_out_key(&j, "classes");
	json_out_begin(&j, '[');
	for (uint32_t k = 0; k < heft_evaluated_n_classes(e); k++)
		json_class(&j, e, names, k);
	json_out_end(&j, ']');
	json_confusion(&j, e);
	json_out_end(&j, '}');
}
