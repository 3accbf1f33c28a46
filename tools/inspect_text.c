/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_text.c - shows people what is in a file: facts, metadata, a table of tensors. */
#include "inspect_text.h"

#include <string.h>
#include <unistd.h>

#include "columns.h"
#include "inspect_graph.h"
#include "inspect_stats.h"
#include "inspect_tree.h"
#include "json_members.h"
#include "print_name.h"
#include "size.h"
#include "tensor_words.h"
#include "term.h"
#include "utf8_text.h"

#define DEFAULT_WIDTH 80
#define MIN_WIDTH 40
/* More of a metadata value is not looked at: a tokenizer's word list may take megabytes. */
#define MAX_VALUE_SHOWN 2048

static void print_label(struct output *out, const char *label)
{
	output_format(out, "%-12s", label);
}

static void print_amount(struct output *out, const char *label, uint64_t n)
{
	print_label(out, label);
	output_grouped(out, n);
	output_text(out, n == 1 ? " byte" : " bytes");
	if (n >= 1000) {
		output_text(out, " (");
		size_print(out, n);
		output_char(out, ')');
	}
}

static void print_bytes(struct output *out, const char *label, uint64_t n)
{
	print_amount(out, label, n);
	output_char(out, '\n');
}

static void print_size(struct output *out, const struct inspection *x)
{
	print_amount(out, "size", x->file_size);
	if (x->n_files > 1) {
		output_text(out, " in ");
		output_grouped(out, x->n_files);
		output_text(out, " files");
	}
	output_char(out, '\n');
}

/* "tensors     160 (148 F32, 12 U8)" */
static void print_tensor_count(struct output *out, const struct inspection *x)
{
	print_label(out, "tensors");
	output_grouped(out, heft_n_tensors(x->file));
	for (uint32_t i = 0; i < x->n_dtypes; i++) {
		output_text(out, i == 0 ? " (" : ", ");
		output_grouped(out, x->dtypes[i].n_tensors);
		output_char(out, ' ');
		tensor_words_dtype(out, x->dtypes[i].dtype);
	}
	output_text(out, x->n_dtypes > 0 ? ")\n" : "\n");
}

static void print_state_bytes(struct output *out, uint64_t n, const char *words)
{
	if (n == 0)
		return;
	print_label(out, "");
	output_grouped(out, n);
	output_char(out, ' ');
	output_text(out, words);
	output_char(out, '\n');
}

/* A fresh file has nothing to tell. */
static void print_state(struct output *out, const struct heft_file_state *s)
{
	if (s->generation <= 1 && !s->has_bad_page && s->n_tail_bytes == 0 && s->n_dead_bytes == 0)
		return;
	print_label(out, "state");
	output_text(out, "generation ");
	output_grouped(out, s->generation);
	output_char(out, '\n');
	print_state_bytes(out, s->n_dead_bytes, "dead bytes; 'heft compact' frees them");
	print_state_bytes(out, s->n_tail_bytes,
	                  "bytes at the end, of an update that did not finish");
	if (s->has_bad_page) {
		print_label(out, "");
		output_text(out, "one of the two slot pages is damaged; 'heft verify' says more\n");
	}
}

static void print_facts(struct output *out, const struct inspection *x)
{
	print_label(out, "file");
	print_words(out, x->name);
	output_char(out, '\n');
	print_label(out, "format");
	output_text(out, heft_format_name(x->file));
	output_char(out, '\n');
	print_size(out, x);
	print_tensor_count(out, x);
	print_label(out, "parameters");
	output_grouped(out, x->n_parameters);
	output_char(out, '\n');
	print_bytes(out, "data", x->total.n_bytes);
	if (x->has_digest) {
		print_label(out, "digest");
		output_hex(out, x->digest, sizeof x->digest);
		output_char(out, '\n');
	}
	if (x->graph_size > 0 && x->view != INSPECT_GRAPH) {
		print_amount(out, "graph", x->graph_size);
		output_text(out, "; --graph shows it\n");
	}
	print_state(out, &x->state);
}

/* Appends a piece of JSON as one line: line breaks between its values become blanks. */
static void print_piece(struct output *text, const char *piece, size_t size)
{
	struct output copy;

	output_init(&copy, -1);
	if (size > MAX_VALUE_SHOWN)
		size = MAX_VALUE_SHOWN;
	/* Cut between characters. */
	while (size > 0 && ((uint8_t)piece[size] & 0xC0) == 0x80)
		size--;
	for (size_t i = 0; i < size; i++)
		output_char(&copy, strchr("\t\r\n", piece[i]) ? ' ' : piece[i]);
	print_words(text, output_string(&copy));
	output_done(&copy);
}

/* "  license: "MIT"", or, where that is too long, its beginning and how long it is. */
static void print_member(struct output *out, const struct json_member *m, size_t width)
{
	struct output line;
	struct output rest;

	output_init(&line, -1);
	output_init(&rest, -1);
	output_text(&line, "  ");
	print_piece(&line, m->key, m->key_size);
	output_text(&line, ": ");
	print_piece(&line, m->value, m->value_size);
	if (m->value_size > MAX_VALUE_SHOWN || utf8_width(line.buf, line.n) > width) {
		output_text(&rest, " (");
		output_grouped(&rest, m->value_size);
		output_text(&rest, " bytes)");
	}
	utf8_cut_end(out, output_string(&line), width > rest.n ? width - rest.n : 0);
	output_bytes(out, rest.buf, rest.n);
	output_char(out, '\n');
	output_done(&line);
	output_done(&rest);
}

static void print_metadata(struct output *out, const char *metadata)
{
	const size_t columns = term_columns(STDOUT_FILENO);
	const size_t width = columns == 0          ? DEFAULT_WIDTH
	                     : columns < MIN_WIDTH ? MIN_WIDTH
	                                           : columns;
	struct json_member member;
	bool is_first = true;

	while (json_members_next(&metadata, &member) && !out->error) {
		output_text(out, is_first ? "metadata\n" : "");
		is_first = false;
		print_member(out, &member, width);
	}
}

static enum heft_status add_row(struct columns *table, const struct inspection *x, uint32_t i,
                                struct heft_error *err)
{
	struct output *cells = &table->cells;
	struct heft_tensor t;
	struct heft_tensor first;
	enum heft_status st = heft_tensor_at(x->file, i, &t, err);

	if (st == HEFT_OK)
		st = heft_tensor_at(x->file, t.tie, &first, err);
	if (st != HEFT_OK)
		return st;
	print_name_mark(cells, t.name);
	print_name(cells, t.name);
	columns_end_cell(table);
	tensor_words_dtype(cells, t.dtype);
	columns_end_cell(table);
	tensor_words_shape(cells, &t);
	columns_end_cell(table);
	output_grouped(cells, t.n_bytes);
	columns_end_cell(table);
	if (x->has_spaces) {
		tensor_words_space(cells, t.space);
		columns_end_cell(table);
	}
	if (x->has_roles) {
		output_text(cells, heft_role_name(x->roles[i]));
		columns_end_cell(table);
	}
	if (x->has_ties) {
		print_name(cells, t.tie == i ? "" : first.name);
		columns_end_cell(table);
	}
	return HEFT_OK;
}

static size_t choose_columns(const struct inspection *x, struct column *columns)
{
	size_t n = 0;

	columns[n++] = (struct column){ .title = "name", .min_width = 16 };
	columns[n++] = (struct column){ .title = "dtype" };
	columns[n++] = (struct column){ .title = "shape", .min_width = 8 };
	columns[n++] = (struct column){ .title = "bytes", .is_right = true };
	if (x->has_spaces)
		columns[n++] = (struct column){ .title = "space" };
	if (x->has_roles)
		columns[n++] = (struct column){ .title = "role" };
	if (x->has_ties)
		columns[n++] = (struct column){ .title = "tied to", .min_width = 8 };
	return n;
}

static enum heft_status add_stats_row(struct columns *table, const struct inspection *x, uint32_t i,
                                      struct heft_error *err)
{
	struct heft_tensor t;
	const enum heft_status st = heft_tensor_at(x->file, x->shown[i], &t, err);

	if (st == HEFT_OK)
		inspect_stats_row(table, x, &t, &x->figures[i]);
	return st;
}

static enum heft_status print_table(struct output *out, const struct inspection *x,
                                    struct heft_error *err)
{
	struct column columns[COLUMNS_MAX];
	struct columns table;
	enum heft_status st = HEFT_OK;

	columns_init(&table, columns,
	             x->figures ? inspect_stats_columns(x, columns) : choose_columns(x, columns));
	for (uint32_t i = 0; i < x->n_listed && st == HEFT_OK; i++)
		st = x->figures ? add_stats_row(&table, x, i, err)
		                : add_row(&table, x, x->shown[i], err);
	if (st == HEFT_OK)
		columns_print(&table, out, term_columns(STDOUT_FILENO),
		              term_has_colour(STDOUT_FILENO));
	columns_done(&table);
	return st;
}

static void print_left_out(struct output *out, uint32_t n)
{
	if (n == 0)
		return;
	output_grouped(out, n);
	output_text(out, n == 1 ? " more tensor is left out\n" : " more tensors are left out\n");
}

/* "1,024 zeros, 3 NaN, 1 Inf, rms 0.0213" */
static void print_figure_total(struct output *out, const struct inspection *x)
{
	struct figure_total total = { .n_values = 0 };

	for (uint32_t i = 0; i < x->n_shown; i++)
		figure_total_add(&total, &x->figures[i]);
	output_grouped(out, total.n_zero);
	output_text(out, total.n_zero == 1 ? " zero, " : " zeros, ");
	output_grouped(out, total.n_nan);
	output_text(out, " NaN, ");
	output_grouped(out, total.n_inf);
	output_text(out, " Inf, rms ");
	inspect_print_number(out, figure_total_rms(&total));
	output_char(out, '\n');
}

static void print_shown_total(struct output *out, const struct inspection *x)
{
	output_grouped(out, x->n_shown);
	if (x->n_shown < heft_n_tensors(x->file)) {
		output_text(out, " of ");
		output_grouped(out, heft_n_tensors(x->file));
	}
	output_text(out, heft_n_tensors(x->file) == 1 ? " tensor, " : " tensors, ");
	output_grouped(out, x->shown_total.n_elements);
	output_text(out, x->shown_total.n_elements == 1 ? " element, " : " elements, ");
	output_grouped(out, x->shown_total.n_bytes);
	output_text(out, x->shown_total.n_bytes == 1 ? " byte\n" : " bytes\n");
}

uint64_t inspection_parameters(const struct inspection *x, const struct heft_tensor *t)
{
	return t->space == HEFT_SPACE_WEIGHTS && x->roles[t->index] != HEFT_ROLE_BUFFER &&
	                       t->tie == t->index
	               ? t->n_elements
	               : 0;
}

static enum heft_status print_view(struct output *out, const struct inspection *x,
                                   struct heft_error *err)
{
	enum heft_status st;

	if (x->view == INSPECT_TREE)
		return inspect_tree_print(out, x, err);
	st = print_table(out, x, err);
	print_left_out(out, x->n_shown - x->n_listed);
	return st;
}

enum heft_status inspect_text_print(struct output *out, const struct inspection *x,
                                    struct heft_error *err)
{
	enum heft_status st;

	print_facts(out, x);
	print_metadata(out, x->metadata);
	if (x->view == INSPECT_GRAPH)
		return inspect_graph_print(out, x, err);
	if (x->n_shown == 0)
		return HEFT_OK;
	output_char(out, '\n');
	st = print_view(out, x, err);
	print_shown_total(out, x);
	/* A heft file says what its tensors are. */
	if (x->has_void && !x->has_digest)
		output_text(out, "VOID: bytes of a type that is not known; --assume V2=BF16 "
		                 "says what they are\n");
	if (!x->figures || st != HEFT_OK)
		return st;
	print_figure_total(out, x);
	return inspect_groups_print(out, x, err);
}
