/* SPDX-License-Identifier: Apache-2.0 */
/* run_top.c - the classes of the highest scores. */
#include "run_top.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "columns.h"
#include "memory.h"
#include "print_name.h"
#include "report.h"
#include "term.h"

struct score {
	uint64_t class;
	double value;
};

int class_labels_read(struct class_labels *labels, const char *path)
{
	size_t room = 0;
	size_t n = 0;
	FILE *f;

	if (!path)
		return STATUS_DONE;
	f = fopen(path, "re");
	if (!f)
		return report_system(path, "cannot open", errno);
	do {
		room = 2 * room + 4096;
		labels->text = memory_resize(labels->text, room + 1, 1);
		n += fread(labels->text + n, 1, room - n, f);
	} while (n == room);
	if (ferror(f)) {
		const int error = errno;

		fclose(f);
		return report_system(path, "cannot read", error);
	}
	fclose(f);
	labels->text[n] = '\0';
	for (size_t at = 0; at < n;) {
		char *line = labels->text + at;
		const size_t size = strcspn(line, "\n");

		at += size + 1;
		line[size] = '\0';
		line[strcspn(line, "\r")] = '\0';
		if (labels->n % 1024 == 0)
			labels->lines = memory_resize(labels->lines, labels->n + 1024,
			                              sizeof *labels->lines);
		labels->lines[labels->n++] = line;
	}
	return STATUS_DONE;
}

void class_labels_done(struct class_labels *labels)
{
	free(labels->lines);
	free(labels->text);
}

/* --- scores --- */

static uint64_t n_classes(const struct heft_value *v)
{
	return v->rank == 1 ? v->dims[0] : v->dims[1];
}

static uint64_t n_rows(const struct heft_value *v)
{
	return v->rank == 1 ? 1 : v->dims[0];
}

bool run_top_fits(const struct heft_value *v)
{
	if (!array_is_real(v) || v->rank == 0 || n_classes(v) < 2 || n_rows(v) == 0)
		return false;
	for (uint32_t d = 2; d < v->rank; d++)
		if (v->dims[d] != 1)
			return false;
	return true;
}

int run_top_check(const struct class_labels *labels, const struct heft_value *v,
                  const char *labels_path)
{
	if (!labels->lines || labels->n == n_classes(v))
		return STATUS_DONE;
	report_words("%s: %" PRIu64 " labels, and output '%s' has %" PRIu64 " classes", labels_path,
	             labels->n, v->name, n_classes(v));
	return STATUS_USAGE;
}

/* The highest first, of equal ones the first class; a NaN is lower than all. */
static int by_score(const void *pa, const void *pb)
{
	const struct score *a = pa;
	const struct score *b = pb;
	const bool a_nan = a->value != a->value;
	const bool b_nan = b->value != b->value;

	if (a_nan != b_nan)
		return a_nan ? 1 : -1;
	if (!a_nan && a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return a->class < b->class ? -1 : 1;
}

static struct score *sort_row(const struct heft_value *v, uint64_t row)
{
	const uint64_t n = n_classes(v);
	struct score *scores = memory_new(n, sizeof *scores);
	const size_t size = heft_dtype_describe(v->dtype)->n_bytes;
	const uint8_t *element = (const uint8_t *)v->bytes + row * n * size;

	for (uint64_t i = 0; i < n; i++) {
		scores[i].class = i;
		heft_cast_elements(HEFT_DTYPE_F64, &scores[i].value, v->dtype, element + i * size,
		                   1, NULL);
	}
	qsort(scores, n, sizeof *scores, by_score);
	return scores;
}

static void print_row(struct output *out, const struct heft_value *v, uint64_t row, uint32_t n_top,
                      const struct class_labels *labels)
{
	const struct column columns[] = {
		{ .title = "class", .is_right = true },
		{ .title = "score", .is_right = true },
		{ .title = labels->lines ? "label" : "", .min_width = 8, .cut = COLUMN_CUT_END },
	};
	struct score *scores = sort_row(v, row);
	struct columns table;
	char text[ELEMENT_TEXT_SIZE];

	columns_init(&table, columns, 3);
	for (uint64_t i = 0; i < n_top && i < n_classes(v); i++) {
		const uint64_t k = scores[i].class;

		output_format(&table.cells, "%" PRIu64, k);
		columns_end_cell(&table);
		array_element(v, row * n_classes(v) + k, false, text);
		output_text(&table.cells, text);
		columns_end_cell(&table);
		print_words(&table.cells, labels->lines ? labels->lines[k] : "");
		columns_end_cell(&table);
	}
	columns_print(&table, out, term_columns(STDOUT_FILENO), term_has_colour(STDOUT_FILENO));
	columns_done(&table);
	free(scores);
}

void run_top_print(struct output *out, const struct heft_value *v, uint32_t n_top,
                   const struct class_labels *labels)
{
	for (uint64_t row = 0; row < n_rows(v) && !out->error; row++) {
		if (n_rows(v) > 1)
			output_format(out, "%srow %" PRIu64 "\n", row > 0 ? "\n" : "", row);
		print_row(out, v, row, n_top, labels);
	}
}

void run_top_print_json(struct json_out *j, const struct heft_value *v, uint32_t n_top,
                        const struct class_labels *labels)
{
	char text[ELEMENT_TEXT_SIZE];

	json_out_begin(j, '[');
	for (uint64_t row = 0; row < n_rows(v) && !j->out->error; row++) {
		struct score *scores = sort_row(v, row);

		json_out_begin(j, '[');
		for (uint64_t i = 0; i < n_top && i < n_classes(v); i++) {
			json_out_begin(j, '{');
			json_out_key(j, "class");
			json_out_u64(j, scores[i].class);
			json_out_key(j, "score");
			array_element(v, row * n_classes(v) + scores[i].class, true, text);
			json_out_raw(j, text);
			if (labels->lines) {
				json_out_key(j, "label");
				json_out_text(j, labels->lines[scores[i].class]);
			}
			json_out_end(j, '}');
		}
		json_out_end(j, ']');
		free(scores);
	}
	json_out_end(j, ']');
}
