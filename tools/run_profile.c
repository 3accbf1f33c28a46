/* SPDX-License-Identifier: Apache-2.0 */
/* run_profile.c - tables of what each step of a run took. Numbers are those of one run, the mean of
 * all that were measured. */
#include "run_profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array_text.h"
#include "columns.h"
#include "memory.h"
#include "print_name.h"
#include "size.h"
#include "term.h"

#define DEFAULT_WIDTH 80

/* Steps of one kind, or one step. */
struct profile_row {
	const char *op;
	uint32_t n_steps;
	double nanoseconds;
	double n_operations; /* two for a multiply-add */
	uint64_t n_bytes;
};

struct profile {
	struct profile_row *rows;
	uint32_t n_rows;
	struct profile_row total;
};

static struct profile_row row_of(const struct heft_session_step *step)
{
	const double n_runs = step->n_runs > 0 ? (double)step->n_runs : 1;

	return (struct profile_row){ .op = step->op,
		                     .n_steps = 1,
		                     .nanoseconds = (double)step->nanoseconds / n_runs,
		                     .n_operations = 2 * (double)step->n_multiply_adds,
		                     .n_bytes = step->n_bytes };
}

static void add_row(struct profile_row *to, const struct profile_row *row)
{
	to->n_steps += row->n_steps;
	to->nanoseconds += row->nanoseconds;
	to->n_operations += row->n_operations;
	to->n_bytes += row->n_bytes;
}

static int by_time(const void *pa, const void *pb)
{
	const struct profile_row *a = pa;
	const struct profile_row *b = pb;

	if (a->nanoseconds != b->nanoseconds)
		return a->nanoseconds > b->nanoseconds ? -1 : 1;
	return strcmp(a->op, b->op);
}

/* The kinds of operators, those first that took longest. */
static void collect(struct profile *p, const struct heft_session *session)
{
	struct heft_session_facts facts;
	struct heft_session_step step;

	*p = (struct profile){ .total = { .op = "total" } };
	heft_session_facts(session, &facts);
	p->rows = memory_new(facts.n_steps, sizeof *p->rows);
	for (uint32_t i = 0; i < facts.n_steps; i++) {
		struct profile_row row;
		uint32_t k = 0;

		if (heft_session_step(session, i, &step, NULL) != HEFT_OK)
			continue;
		row = row_of(&step);
		add_row(&p->total, &row);
		while (k < p->n_rows && strcmp(p->rows[k].op, row.op) != 0)
			k++;
		if (k == p->n_rows)
			p->rows[p->n_rows++] = row;
		else
			add_row(&p->rows[k], &row);
	}
	qsort(p->rows, p->n_rows, sizeof *p->rows, by_time);
}

/* --- tables --- */

static void print_time(struct output *cells, double nanoseconds)
{
	if (nanoseconds < 1e6)
		output_format(cells, "%.1f us", nanoseconds / 1e3);
	else
		output_format(cells, "%.2f ms", nanoseconds / 1e6);
}

/* "1x64x112x112" */
static void print_shape(struct output *cells, uint32_t rank, const uint64_t *dims)
{
	for (uint32_t d = 0; d < rank; d++)
		output_format(cells, "%s%" PRIu64, d > 0 ? "x" : "", dims[d]);
}

/* Time, share, speed and bytes: cells of either table. */
static void add_figures(struct columns *table, const struct profile_row *row,
                        const struct profile_row *total)
{
	struct output *cells = &table->cells;

	print_time(cells, row->nanoseconds);
	columns_end_cell(table);
	if (total->nanoseconds > 0)
		output_format(cells, "%.1f %%", 100 * row->nanoseconds / total->nanoseconds);
	columns_end_cell(table);
	if (row->n_operations > 0 && row->nanoseconds > 0)
		output_format(cells, "%.1f", row->n_operations / row->nanoseconds);
	columns_end_cell(table);
	size_print(cells, row->n_bytes);
	columns_end_cell(table);
}

static void print_table(struct columns *table, struct output *out)
{
	const size_t width = term_columns(STDOUT_FILENO);

	columns_print(table, out, width > 0 ? width : DEFAULT_WIDTH,
	              term_has_colour(STDOUT_FILENO));
	columns_done(table);
}

static void add_operator(struct columns *table, const struct profile_row *row,
                         const struct profile_row *total)
{
	print_words(&table->cells, row->op);
	columns_end_cell(table);
	output_format(&table->cells, "%u", row->n_steps);
	columns_end_cell(table);
	add_figures(table, row, total);
}

static void print_operators(struct output *out, const struct profile *p)
{
	static const struct column columns[] = {
		{ .title = "operator", .min_width = 12, .cut = COLUMN_CUT_END },
		{ .title = "steps", .is_right = true },
		{ .title = "time", .is_right = true },
		{ .title = "share", .is_right = true },
		{ .title = "GFLOP/s", .is_right = true },
		{ .title = "bytes", .is_right = true },
	};
	struct columns table;

	columns_init(&table, columns, sizeof columns / sizeof *columns);
	for (uint32_t i = 0; i < p->n_rows; i++)
		add_operator(&table, &p->rows[i], &p->total);
	add_operator(&table, &p->total, &p->total);
	print_table(&table, out);
}

static void print_nodes(struct output *out, const struct heft_session *session,
                        const struct profile_row *total)
{
	static const struct column columns[] = {
		{ .title = "operator", .min_width = 10, .cut = COLUMN_CUT_END },
		{ .title = "node", .min_width = 8, .cut = COLUMN_CUT_BEGIN },
		{ .title = "output", .min_width = 8, .cut = COLUMN_CUT_END },
		{ .title = "time", .is_right = true },
		{ .title = "share", .is_right = true },
		{ .title = "GFLOP/s", .is_right = true },
		{ .title = "bytes", .is_right = true },
	};
	struct heft_session_facts facts;
	struct heft_session_step step;
	struct columns table;

	heft_session_facts(session, &facts);
	columns_init(&table, columns, sizeof columns / sizeof *columns);
	for (uint32_t i = 0; i < facts.n_steps; i++) {
		struct profile_row row;

		if (heft_session_step(session, i, &step, NULL) != HEFT_OK)
			continue;
		row = row_of(&step);
		print_words(&table.cells, step.op);
		columns_end_cell(&table);
		print_words(&table.cells, step.node);
		columns_end_cell(&table);
		print_shape(&table.cells, step.rank, step.dims);
		columns_end_cell(&table);
		add_figures(&table, &row, total);
	}
	print_table(&table, out);
}

void run_profile_print(struct output *out, const struct heft_session *session,
                       enum run_profile what)
{
	struct heft_session_facts facts;
	struct profile p;

	collect(&p, session);
	print_operators(out, &p);
	if (what == RUN_PROFILE_NODES) {
		output_char(out, '\n');
		print_nodes(out, session, &p.total);
	}
	heft_session_facts(session, &facts);
	output_text(out, "\nworkspace ");
	size_print(out, facts.workspace_bytes);
	output_text(out, ", packed weights ");
	size_print(out, facts.packed_bytes);
	if (facts.n_dynamic > 0)
		output_format(out, ", %u nodes planned anew in every run", facts.n_dynamic);
	output_char(out, '\n');
	free(p.rows);
}

/* --- JSON --- */

static void print_number(struct json_out *j, const char *key, uint64_t value)
{
	json_out_key(j, key);
	json_out_u64(j, value);
}

static void print_operators_json(struct json_out *j, const struct profile *p)
{
	json_out_key(j, "operators");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < p->n_rows; i++) {
		const struct profile_row *row = &p->rows[i];

		json_out_begin(j, '{');
		json_out_key(j, "op");
		json_out_text(j, row->op);
		print_number(j, "n_steps", row->n_steps);
		json_out_key(j, "nanoseconds");
		json_out_real(j, row->nanoseconds);
		print_number(j, "n_multiply_adds", (uint64_t)(row->n_operations / 2));
		print_number(j, "n_bytes", row->n_bytes);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void print_step_json(struct json_out *j, const struct heft_session_step *step)
{
	json_out_begin(j, '{');
	json_out_key(j, "op");
	json_out_text(j, step->op);
	json_out_key(j, "node");
	json_out_text(j, step->node);
	json_out_key(j, "shape");
	array_json_shape(j, step->rank, step->dims);
	json_out_key(j, "nanoseconds");
	json_out_real(j, row_of(step).nanoseconds);
	print_number(j, "n_multiply_adds", step->n_multiply_adds);
	print_number(j, "n_bytes", step->n_bytes);
	print_number(j, "n_output_bytes", step->n_output_bytes);
	json_out_end(j, '}');
}

void run_profile_print_json(struct json_out *j, const struct heft_session *session)
{
	struct heft_session_facts facts;
	struct heft_session_step step;
	struct profile p;

	collect(&p, session);
	print_operators_json(j, &p);
	free(p.rows);
	heft_session_facts(session, &facts);
	json_out_key(j, "steps");
	json_out_begin(j, '[');
	for (uint32_t i = 0; i < facts.n_steps && !j->out->error; i++)
		if (heft_session_step(session, i, &step, NULL) == HEFT_OK)
			print_step_json(j, &step);
	json_out_end(j, ']');
	print_number(j, "workspace_bytes", facts.workspace_bytes);
	print_number(j, "packed_bytes", facts.packed_bytes);
	print_number(j, "n_multiply_adds", facts.n_multiply_adds);
}
