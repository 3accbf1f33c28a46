/* SPDX-License-Identifier: Apache-2.0 */
/* epochs.c - the table of epochs as section RUN has it (spec/lineage.md, section 4). */
#include <string.h>

#include "artifact/lineage.h"
#include "artifact/lineage_json.h"
#include "base/alloc.h"
#include "base/error.h"

#define RUN_VERSION 1
#define COLUMNS_MAX 256u

/* What a table that was read owns; the public part is the first. */
struct read_epochs {
	struct heft_epochs epochs;
	void *blocks;
};

void heft_epochs_add(struct heft_buffer *b, const struct heft_epochs *epochs)
{
	const double *cell = epochs->cells;

	heft_buffer_addf(b, "{\"run\":%d,\"columns\":[", RUN_VERSION);
	for (uint32_t i = 0; i < epochs->n_columns; i++) {
		heft_buffer_addf(b, i > 0 ? "," : "");
		heft_lineage_add_text(b, epochs->columns[i]);
	}
	heft_buffer_addf(b, "],\"rows\":[");
	for (uint32_t i = 0; i < epochs->n_rows; i++) {
		heft_buffer_addf(b, i > 0 ? ",[" : "[");
		for (uint32_t k = 0; k < epochs->n_columns; k++) {
			heft_buffer_addf(b, k > 0 ? "," : "");
			heft_lineage_add_real(b, *cell++);
		}
		heft_buffer_addf(b, "]");
	}
	heft_buffer_addf(b, "]}");
}

static void take_columns(struct heft_lineage_reader *r, struct heft_epochs *epochs)
{
	struct heft_buffer list;

	heft_buffer_init(&list);
	heft_lineage_take_key(r, "columns");
	heft_lineage_take(r, HEFT_JSON_ARRAY);
	while (!heft_lineage_take_end(r)) {
		const char *name;

		if (r->token.kind != HEFT_JSON_STRING)
			heft_lineage_fault(r, HEFT_E_CORRUPT, "a column's name was expected here");
		name = heft_lineage_last_text(r);
		heft_buffer_add(&list, &name, sizeof name);
	}
	epochs->columns = heft_lineage_take_items(r, &list, sizeof *epochs->columns,
	                                          &epochs->n_columns);
	if (r->st == HEFT_OK && (epochs->n_columns == 0 || epochs->n_columns > COLUMNS_MAX))
		heft_lineage_fault(r, HEFT_E_CORRUPT, "the table has no columns, or more than 256");
}

static void take_row(struct heft_lineage_reader *r, uint32_t n_columns, struct heft_buffer *cells)
{
	uint32_t n = 0;

	if (r->token.kind != HEFT_JSON_ARRAY)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "a row was expected here");
	while (!heft_lineage_take_end(r)) {
		const double value = heft_lineage_last_real(r);

		heft_buffer_add(cells, &value, sizeof value);
		n++;
	}
	if (r->st == HEFT_OK && n != n_columns)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "a row has not as many numbers as columns");
}

static void take_rows(struct heft_lineage_reader *r, struct heft_epochs *epochs)
{
	struct heft_buffer cells;
	uint32_t n_cells;

	heft_buffer_init(&cells);
	heft_lineage_take_key(r, "rows");
	heft_lineage_take(r, HEFT_JSON_ARRAY);
	while (!heft_lineage_take_end(r))
		take_row(r, epochs->n_columns, &cells);
	epochs->cells = heft_lineage_take_items(r, &cells, sizeof *epochs->cells, &n_cells);
	if (epochs->n_columns > 0)
		epochs->n_rows = n_cells / epochs->n_columns;
}

static void take_table(struct heft_lineage_reader *r, struct heft_epochs *epochs)
{
	uint64_t version;

	heft_lineage_take(r, HEFT_JSON_OBJECT);
	heft_lineage_take_key(r, "run");
	version = heft_lineage_take_u64(r);
	if (r->st == HEFT_OK && version != RUN_VERSION)
		heft_lineage_fault(r, version == 0 ? HEFT_E_CORRUPT : HEFT_E_UNSUPPORTED,
		                   "the run is of a version that is not known");
	take_columns(r, epochs);
	take_rows(r, epochs);
	heft_lineage_take(r, HEFT_JSON_OBJECT_END);
	heft_lineage_take(r, HEFT_JSON_END);
}

/* L1-1 */
static enum heft_status compare(const struct heft_epochs *epochs, const char *text, size_t size,
                                uint64_t off, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_epochs_add(&b, epochs);
	if (!b.ok)
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a table");
	else if (b.size != size || memcmp(b.bytes, text, size) != 0)
		st = heft_fail(err, HEFT_E_CORRUPT, off, "the run is not written canonically");
	heft_buffer_done(&b);
	return st;
}

enum heft_status heft_epochs_parse(const char *text, size_t size, uint64_t off,
                                   struct heft_epochs **epochs, struct heft_error *err)
{
	struct read_epochs *e = heft_zalloc(sizeof *e);
	struct heft_lineage_reader r;
	enum heft_status st;

	if (!e)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a table");
	st = heft_lineage_reader_init(&r, text, size, off, &e->blocks, err);
	if (st == HEFT_OK) {
		take_table(&r, &e->epochs);
		st = r.st;
		heft_lineage_reader_done(&r);
	}
	if (st == HEFT_OK)
		st = compare(&e->epochs, text, size, off, err);
	if (st != HEFT_OK) {
		heft_epochs_free(&e->epochs);
		return st;
	}
	*epochs = &e->epochs;
	return HEFT_OK;
}

void heft_epochs_free(struct heft_epochs *epochs)
{
	struct read_epochs *e = (struct read_epochs *)epochs; /* its first member */

	if (!e)
		return;
	heft_lineage_free_blocks(e->blocks);
	heft_free(e);
}
