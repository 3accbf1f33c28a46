/* SPDX-License-Identifier: Apache-2.0 */
/* index_check.c - the one pass over the tables: what spec/container.md 4 refuses, beyond what a row
 * shows by itself. */
#include "container/index_parts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"

#define NO_POSITION UINT32_MAX

/* What the rows up to here have taken of the tables, and which of them began a run. */
struct tiling {
	uint64_t n_leaves;
	uint64_t n_extents;
	uint64_t n_bytes;
	uint32_t *starts;
	uint32_t n_starts;
};

/* The first leaves of the rows in starts ascend. */
static const char *shared_fault(const struct heft_index *ix, const struct tiling *t,
                                const struct heft_row *row)
{
	uint32_t low = 0;
	uint32_t high = t->n_starts;
	struct heft_row owner;
	uint32_t at;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (heft_table_u64(&ix->tensors, t->starts[middle], HEFT_ROW_FIRST_LEAF) <
		    row->first_leaf)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->n_starts || heft_row_fault(ix, t->starts[low], &owner, &at) ||
	    owner.first_leaf != row->first_leaf)
		return "the run neither follows those before it nor is one of them";
	if (!heft_rows_share(ix, row, &owner))
		return "the run is shared with a tensor that differs";
	return NULL;
}

/* R4.1-10. */
static const char *tiling_fault(const struct heft_index *ix, struct tiling *t, uint32_t row_i,
                                const struct heft_row *row)
{
	if (row->n_bytes == 0)
		return NULL;
	if (row->first_leaf != t->n_leaves)
		return shared_fault(ix, t, row);
	if (row->is_coded && row->place != t->n_extents)
		return "the extents do not follow those before them";
	t->n_leaves += row->n_chunks;
	t->n_extents += row->is_coded ? row->n_chunks : 0;
	t->starts[t->n_starts++] = row_i;
	return NULL;
}

/* R4.1-1; and R4.1-3 together with check_strings: text that is well-formed as a whole is so in
 * parts that begin with no continuation byte. */
static const char *name_fault(const struct heft_row *before, const struct heft_row *row)
{
	if (before && heft_row_key_compare(before->space, before->name, before->name_size,
	                                   row->space, row->name, row->name_size) >= 0)
		return "the name does not come after the former row's";
	if (row->name_size > 0 && ((uint8_t)row->name[0] & 0xc0) == 0x80)
		return "the name is not well-formed UTF-8";
	return NULL;
}

/* R4.1-5, the sum. No sum wraps: both parts are below 2^63. */
static const char *sum_fault(struct tiling *t, const struct heft_row *row)
{
	t->n_bytes += row->n_bytes;
	return t->n_bytes > INT64_MAX ? "the byte lengths add up to 2^63 or more" : NULL;
}

static const char *place_fault(const struct heft_index *ix, struct tiling *t, uint32_t row_i,
                               const struct heft_row *before, const struct heft_row *row,
                               uint32_t *at)
{
	const char *fault = name_fault(before, row);

	*at = HEFT_ROW_NAME_END;
	if (fault)
		return fault;
	*at = HEFT_ROW_N_BYTES;
	fault = sum_fault(t, row);
	if (fault)
		return fault;
	*at = HEFT_ROW_FIRST_LEAF;
	fault = tiling_fault(ix, t, row_i, row);
	if (fault)
		return fault;
	*at = HEFT_ROW_TIE;
	return heft_tie_fault(ix, row_i, row);
}

static enum heft_status check_limits(const struct heft_index *ix, uint32_t row_i,
                                     const struct tiling *t, const struct heft_row *row,
                                     struct heft_error *err)
{
	if (row->name_size > ix->limits.max_name_size)
		return heft_fail_row(ix, row_i, HEFT_ROW_NAME_END, HEFT_E_LIMIT,
		                     "the name is longer than the limit", err);
	if (t->n_bytes > ix->limits.max_logical_bytes)
		return heft_fail_row(ix, row_i, HEFT_ROW_N_BYTES, HEFT_E_LIMIT,
		                     "the tensors are larger than the limit", err);
	return HEFT_OK;
}

static enum heft_status check_rows(const struct heft_index *ix, struct tiling *t,
                                   struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);
	struct heft_row rows[2]; /* this one and the one before, in turn */

	for (uint32_t i = 0; i < n; i++) {
		struct heft_row *row = &rows[i % 2];
		uint32_t at;
		const char *fault = heft_row_fault(ix, i, row, &at);

		if (!fault)
			fault = place_fault(ix, t, i, i > 0 ? &rows[1 - i % 2] : NULL, row, &at);
		if (fault)
			return heft_fail_row(ix, i, at, HEFT_E_CORRUPT, fault, err);
		HEFT_TRY(check_limits(ix, i, t, row, err));
	}
	return HEFT_OK;
}

/* The last row ends where the tables do. */
static enum heft_status check_ends(const struct heft_index *ix, const struct tiling *t,
                                   struct heft_error *err)
{
	const uint32_t last = heft_index_n_tensors(ix) - 1;

	if (heft_table_u32(&ix->tensors, last, HEFT_ROW_NAME_END) != ix->strings_size)
		return heft_fail_row(ix, last, HEFT_ROW_NAME_END, HEFT_E_CORRUPT,
		                     "the last name does not end with STRINGS", err);
	if (heft_table_u32(&ix->tensors, last, HEFT_ROW_DIMS_END) != ix->dims.n_rows)
		return heft_fail_row(ix, last, HEFT_ROW_DIMS_END, HEFT_E_CORRUPT,
		                     "the last dimensions do not end with DIMS", err);
	if (t->n_leaves != ix->leaves.n_rows)
		return heft_fail(err, HEFT_E_CORRUPT, ix->leaves.off,
		                 "LEAVES has %llu rows, and the tensors have %llu chunks",
		                 (unsigned long long)ix->leaves.n_rows,
		                 (unsigned long long)t->n_leaves);
	if (t->n_extents != ix->extents.n_rows)
		return heft_fail(err, HEFT_E_CORRUPT, ix->extents.off,
		                 "EXTENTS has %llu rows, and the coded tensors have %llu chunks",
		                 (unsigned long long)ix->extents.n_rows,
		                 (unsigned long long)t->n_extents);
	return HEFT_OK;
}

/* R4.1-3. */
static enum heft_status check_strings(const struct heft_index *ix, struct heft_error *err)
{
	const size_t size = (size_t)ix->strings_size;
	const size_t n_good = heft_utf8_span(ix->strings, size);
	const uint8_t *nul = memchr(ix->strings, 0, size);

	if (nul)
		return heft_fail(err, HEFT_E_CORRUPT,
		                 ix->strings_off + (uint64_t)(nul - ix->strings),
		                 "a name holds a NUL");
	if (n_good != size)
		return heft_fail(err, HEFT_E_CORRUPT, ix->strings_off + n_good,
		                 "a name is not well-formed UTF-8");
	return HEFT_OK;
}

enum heft_status heft_order_invert(const struct heft_index *ix, uint32_t *positions,
                                   struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);

	memset(positions, 0xff, n * sizeof *positions);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t row_i = heft_table_u32(&ix->order, i, 0);

		if (row_i >= n || positions[row_i] != NO_POSITION)
			return heft_fail(err, HEFT_E_CORRUPT, ix->order_off + (uint64_t)i * 4,
			                 "ORDER names row %u, which is %s", (unsigned)row_i,
			                 row_i >= n ? "none" : "named before");
		positions[row_i] = i;
	}
	return HEFT_OK;
}

/* The positions' memory first holds the rows that begin a run: they are needed only until the last
 * row is checked. */
enum heft_status heft_index_check(struct heft_index *ix, struct heft_error *err)
{
	const uint32_t n = heft_index_n_tensors(ix);
	struct tiling t = { 0 };
	uint32_t *positions;

	if (n == 0)
		return HEFT_OK;
	positions = heft_alloc_array(n, sizeof *positions);
	if (!positions)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an index");
	atomic_store_explicit(&ix->positions, positions, memory_order_release);
	t.starts = positions;
	HEFT_TRY(check_strings(ix, err));
	HEFT_TRY(check_rows(ix, &t, err));
	HEFT_TRY(check_ends(ix, &t, err));
	return heft_order_invert(ix, positions, err);
}
