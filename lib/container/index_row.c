/* SPDX-License-Identifier: Apache-2.0 */
/* index_row.c - one row of TENSORS: its own rules (spec/container.md 4.1), its way by name and by
 * order. With a trusted index all of it is checked here, each time. */
#include "container/index_parts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/name.h"

#define MAX_BYTES (UINT64_C(1) << 63)

/* H(00): the root of a tensor without chunks. */
static const uint8_t empty_root[HEFT_SHA256_SIZE] = {
	0x6e, 0x34, 0x0b, 0x9c, 0xff, 0xb3, 0x7a, 0x98, 0x9c, 0xa5, 0x44,
	0xe6, 0xbb, 0x78, 0x0a, 0x2c, 0x78, 0x90, 0x1d, 0x3f, 0xb3, 0x37,
	0x38, 0x76, 0x85, 0x11, 0xa3, 0x06, 0x17, 0xaf, 0xa0, 0x1d,
};

uint32_t heft_index_n_tensors(const struct heft_index *ix)
{
	return (uint32_t)ix->tensors.n_rows;
}

enum heft_status heft_fail_row(const struct heft_index *ix, uint32_t row_i, uint32_t at,
                               enum heft_status code, const char *why, struct heft_error *err)
{
	return heft_fail(err, code, ix->tensors_off + (uint64_t)row_i * HEFT_ROW_SIZE + at,
	                 "row %u of TENSORS: %s", (unsigned)row_i, why);
}

static const uint8_t *row_bytes(const struct heft_index *ix, uint32_t row_i)
{
	return ix->tensors.bytes + (size_t)row_i * HEFT_ROW_SIZE;
}

/* Where a row's name and dimensions begin, which is where the former row's end, and where they
 * end. */
struct ends {
	uint32_t name_at;
	uint32_t name_end;
	uint32_t dims_at;
	uint32_t dims_end;
};

static struct ends ends_of(const uint8_t *p, uint32_t row_i)
{
	struct ends e = {
		.name_end = heft_get_le32(p + HEFT_ROW_NAME_END),
		.dims_end = heft_get_le32(p + HEFT_ROW_DIMS_END),
	};

	if (row_i > 0) {
		const uint8_t *former = p - HEFT_ROW_SIZE;

		e.name_at = heft_get_le32(former + HEFT_ROW_NAME_END);
		e.dims_at = heft_get_le32(former + HEFT_ROW_DIMS_END);
	}
	return e;
}

/* The name must lie within STRINGS, the unit be 1 to 2^20. */
static void copy_row(const struct heft_index *ix, const uint8_t *p, const struct ends *e,
                     struct heft_row *row)
{
	row->name = (const char *)ix->strings + e->name_at;
	row->name_size = e->name_end - e->name_at;
	row->dims_at = e->dims_at;
	row->rank = e->dims_end - e->dims_at;
	row->dtype = heft_get_le16(p + HEFT_ROW_DTYPE);
	row->space = p[HEFT_ROW_SPACE];
	row->is_coded = (p[HEFT_ROW_FLAGS] & HEFT_FLAG_CODED) != 0;
	row->tie = heft_get_le32(p + HEFT_ROW_TIE);
	row->n_bytes = heft_get_le64(p + HEFT_ROW_N_BYTES);
	row->first_leaf = heft_get_le64(p + HEFT_ROW_FIRST_LEAF);
	row->place = heft_get_le64(p + HEFT_ROW_PLACE);
	memcpy(row->root, p + HEFT_ROW_ROOT, HEFT_SHA256_SIZE);
	row->unit = heft_get_le32(p + HEFT_ROW_UNIT);
	row->chunk_size = heft_chunk_size(row->unit);
	/* Most tensors have one chunk: no division for them. */
	row->n_chunks = row->n_bytes <= row->chunk_size ? row->n_bytes > 0
	                                                : heft_n_chunks(row->n_bytes, row->unit);
}

/* R4.1-2 and R4.1-4, for one row: what must hold before anything of it is copied. */
static const char *ends_fault(const struct heft_index *ix, const struct ends *e, uint32_t *at)
{
	*at = HEFT_ROW_NAME_END;
	if (e->name_end < e->name_at || e->name_end > ix->strings_size)
		return "the name ends outside STRINGS";
	if (e->name_end - e->name_at > HEFT_MAX_NAME)
		return "the name has more than 4,096 bytes";
	*at = HEFT_ROW_DIMS_END;
	if (e->dims_end < e->dims_at || e->dims_end > ix->dims.n_rows)
		return "the dimensions end outside DIMS";
	if (e->dims_end - e->dims_at > HEFT_MAX_RANK)
		return "the rank is above 32";
	return NULL;
}

/* R4.1-7 for a dtype that is not known, and R4.1-5. */
static const char *unknown_size_fault(const struct heft_row *row, const uint64_t *dims,
                                      uint32_t *at)
{
	uint64_t n_elements;

	*at = HEFT_ROW_DIMS_END;
	if (!heft_dims_product(row->rank, dims, &n_elements))
		return "the dimensions give 2^63 elements or more";
	*at = HEFT_ROW_N_BYTES;
	if (row->n_bytes >= MAX_BYTES)
		return "the byte length is 2^63 or more";
	if (row->n_bytes % row->unit != 0)
		return "the byte length is no multiple of the unit";
	return NULL;
}

/* The size of a dtype whose elements are whole bytes, as nearly all are, without a division. */
static bool plain_size(const struct heft_dtype_info *info, uint32_t rank, const uint64_t *dims,
                       uint64_t *n_bytes)
{
	uint64_t n_elements;

	return info->n_elements == 1 && heft_dims_product(rank, dims, &n_elements) &&
	       heft_mul_u64(n_elements, info->n_bytes, n_bytes) && *n_bytes < MAX_BYTES;
}

/* R4.1-5 to R4.1-7. */
static const char *size_fault(const struct heft_index *ix, const struct heft_row *row, uint32_t *at)
{
	const enum heft_dtype dtype = (enum heft_dtype)row->dtype;
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);
	uint64_t dims[HEFT_MAX_RANK];
	uint64_t n_bytes;

	*at = HEFT_ROW_DTYPE;
	if (!info && (dtype == HEFT_DTYPE_NONE || heft_dtype_is_refused(row->dtype)))
		return "the dtype is none that a file may hold";
	heft_index_dims(ix, row, dims);
	if (!info)
		return unknown_size_fault(row, dims, at);
	*at = HEFT_ROW_UNIT;
	if (row->unit != info->n_bytes)
		return "the unit is not the dtype's";
	*at = HEFT_ROW_DIMS_END;
	if (!plain_size(info, row->rank, dims, &n_bytes) &&
	    heft_tensor_size(dtype, row->rank, dims, NULL, &n_bytes, NULL) != HEFT_OK)
		return "the dtype cannot have these dimensions";
	*at = HEFT_ROW_N_BYTES;
	if (row->n_bytes != n_bytes)
		return "the byte length is not what dtype and dimensions give";
	return NULL;
}

/* R4.1-9. */
static const char *empty_fault(const struct heft_row *row, uint32_t *at)
{
	*at = HEFT_ROW_FIRST_LEAF;
	if (row->first_leaf != 0 || row->place != 0 || row->is_coded)
		return "an empty tensor has a place";
	*at = HEFT_ROW_ROOT;
	if (memcmp(row->root, empty_root, sizeof empty_root) != 0)
		return "an empty tensor's root is not that of no chunks";
	return NULL;
}

/* R4.1-11. */
static const char *raw_fault(const struct heft_index *ix, const struct heft_row *row, uint32_t *at)
{
	const struct heft_page *page = heft_index_page(ix);

	*at = HEFT_ROW_PLACE;
	if ((row->place & ((UINT64_C(1) << page->log2_alignment) - 1)) != 0)
		return "the bytes do not lie at a multiple of the alignment";
	if (row->place < HEFT_DATA_START || !heft_in_range(row->place, row->n_bytes, page->dir_off))
		return "the bytes do not lie between the slot pages and the directory";
	return NULL;
}

const char *heft_row_fault(const struct heft_index *ix, uint32_t row_i, struct heft_row *row,
                           uint32_t *at)
{
	const uint8_t *p = row_bytes(ix, row_i);
	const uint32_t unit = heft_get_le32(p + HEFT_ROW_UNIT);
	const struct ends e = ends_of(p, row_i);
	const char *fault = ends_fault(ix, &e, at);

	if (fault)
		return fault;
	*at = HEFT_ROW_UNIT;
	if (unit < 1 || unit > HEFT_CHUNK_MAX)
		return "the unit is not 1 to 2^20";
	copy_row(ix, p, &e, row);
	fault = size_fault(ix, row, at);
	if (fault)
		return fault;
	*at = HEFT_ROW_FLAGS;
	if ((p[HEFT_ROW_FLAGS] & ~HEFT_FLAG_CODED) != 0)
		return "unknown flags are set";
	*at = HEFT_ROW_BASE;
	if (heft_get_le32(p + HEFT_ROW_BASE) != 0)
		return "the base is not 0";
	*at = HEFT_ROW_TIE;
	if (row->tie > row_i)
		return "the tie names a later row";
	if (row->n_bytes == 0)
		return empty_fault(row, at);
	return row->is_coded ? NULL : raw_fault(ix, row, at);
}

bool heft_rows_same_dims(const struct heft_index *ix, const struct heft_row *a,
                         const struct heft_row *b)
{
	for (uint32_t i = 0; i < a->rank && a->rank == b->rank; i++) {
		if (heft_table_u64(&ix->dims, a->dims_at + i, 0) !=
		    heft_table_u64(&ix->dims, b->dims_at + i, 0))
			return false;
	}
	return a->rank == b->rank;
}

bool heft_rows_share(const struct heft_index *ix, const struct heft_row *a,
                     const struct heft_row *b)
{
	return a->first_leaf == b->first_leaf && a->place == b->place &&
	       a->is_coded == b->is_coded && a->dtype == b->dtype && a->n_bytes == b->n_bytes &&
	       a->unit == b->unit && memcmp(a->root, b->root, HEFT_SHA256_SIZE) == 0 &&
	       heft_rows_same_dims(ix, a, b);
}

const char *heft_tie_fault(const struct heft_index *ix, uint32_t row_i, const struct heft_row *row)
{
	struct heft_row first;
	uint32_t at;

	if (row->tie == row_i)
		return NULL;
	if (heft_row_fault(ix, row->tie, &first, &at) || first.tie != row->tie)
		return "the tie does not name the first of a group";
	if (!heft_rows_share(ix, row, &first))
		return "the tie names a tensor of another dtype or shape, or other bytes";
	return NULL;
}

/* What the pass over the tables would have found: the tiling of names, dimensions and runs makes
 * room for no more than this. */
static const char *trusted_fault(const struct heft_index *ix, uint32_t row_i,
                                 const struct heft_row *row, uint32_t *at)
{
	const char *fault = heft_name_fault(row->name, row->name_size, HEFT_MAX_NAME);

	*at = HEFT_ROW_NAME_END;
	if (fault)
		return fault;
	*at = HEFT_ROW_FIRST_LEAF;
	if (!heft_in_range(row->first_leaf, row->n_chunks, ix->leaves.n_rows))
		return "the leaves do not lie within LEAVES";
	*at = HEFT_ROW_PLACE;
	if (row->is_coded && !heft_in_range(row->place, row->n_chunks, ix->extents.n_rows))
		return "the extents do not lie within EXTENTS";
	*at = HEFT_ROW_TIE;
	return heft_tie_fault(ix, row_i, row);
}

static enum heft_status check_trusted(const struct heft_index *ix, uint32_t row_i,
                                      struct heft_row *row, struct heft_error *err)
{
	uint32_t at;
	const char *fault = heft_row_fault(ix, row_i, row, &at);

	if (!fault)
		fault = trusted_fault(ix, row_i, row, &at);
	if (fault)
		return heft_fail_row(ix, row_i, at, HEFT_E_CORRUPT, fault, err);
	if (row->name_size > ix->limits.max_name_size)
		return heft_fail_row(ix, row_i, HEFT_ROW_NAME_END, HEFT_E_LIMIT,
		                     "the name is longer than the limit", err);
	if (row->n_bytes > ix->limits.max_logical_bytes)
		return heft_fail_row(ix, row_i, HEFT_ROW_N_BYTES, HEFT_E_LIMIT,
		                     "the tensor is larger than the limit", err);
	return HEFT_OK;
}

enum heft_status heft_index_row(struct heft_index *ix, uint32_t row_i, struct heft_row *row,
                                struct heft_error *err)
{
	struct ends e;

	if (row_i >= ix->tensors.n_rows)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there is no row %u of TENSORS",
		                 (unsigned)row_i);
	if (ix->is_trusted)
		return check_trusted(ix, row_i, row, err);
	e = ends_of(row_bytes(ix, row_i), row_i);
	copy_row(ix, row_bytes(ix, row_i), &e, row);
	return HEFT_OK;
}

/* The row was checked: its dimensions lie within DIMS. */
void heft_index_dims(const struct heft_index *ix, const struct heft_row *row, uint64_t *dims)
{
	const uint8_t *p = ix->dims.bytes + (size_t)row->dims_at * 8;

	for (uint32_t i = 0; i < row->rank && i < HEFT_MAX_RANK; i++)
		dims[i] = heft_get_le64(p + (size_t)i * 8);
}

/* --- by order --- */

enum heft_status heft_index_row_at(struct heft_index *ix, uint32_t i, uint32_t *row_i,
                                   struct heft_error *err)
{
	const uint32_t found = heft_table_u32(&ix->order, i, 0);

	if (i >= ix->order.n_rows)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there is no tensor %u",
		                 (unsigned)i);
	if (found >= ix->tensors.n_rows)
		return heft_fail(err, HEFT_E_CORRUPT, ix->order_off + (uint64_t)i * 4,
		                 "ORDER names row %u, which is none", (unsigned)found);
	*row_i = found;
	return HEFT_OK;
}

/* Of a trusted index, when first asked for. Two threads may make it at once; one copy is kept. */
static enum heft_status make_positions(struct heft_index *ix, const uint32_t **positions,
                                       struct heft_error *err)
{
	uint32_t *made = heft_alloc_array(heft_index_n_tensors(ix), sizeof *made);
	uint32_t *there = NULL;
	enum heft_status st;

	if (!made)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an index");
	st = heft_order_invert(ix, made, err);
	if (st != HEFT_OK) {
		heft_free(made);
		return st;
	}
	*positions = made;
	if (!atomic_compare_exchange_strong(&ix->positions, &there, made)) {
		heft_free(made);
		*positions = there;
	}
	return HEFT_OK;
}

enum heft_status heft_index_position(struct heft_index *ix, uint32_t row_i, uint32_t *i,
                                     struct heft_error *err)
{
	const uint32_t *positions = atomic_load_explicit(&ix->positions, memory_order_acquire);

	if (row_i >= ix->tensors.n_rows)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there is no row %u of TENSORS",
		                 (unsigned)row_i);
	if (!positions)
		HEFT_TRY(make_positions(ix, &positions, err));
	*i = positions[row_i];
	return HEFT_OK;
}

/* --- by name --- */

int heft_row_key_compare(uint8_t space_a, const void *name_a, size_t size_a, uint8_t space_b,
                         const void *name_b, size_t size_b)
{
	int order;

	if (space_a != space_b)
		return space_a < space_b ? -1 : 1;
	order = memcmp(name_a, name_b, size_a < size_b ? size_a : size_b);
	if (order != 0)
		return order;
	return size_a < size_b ? -1 : size_a > size_b;
}

/* A row whose name lies outside STRINGS, which only a trusted index can have, is `fault`. */
static const char *compare_row(const struct heft_index *ix, uint32_t row_i, uint8_t space,
                               const char *name, size_t name_size, int *order, uint32_t *at)
{
	const uint8_t *p = row_bytes(ix, row_i);
	const struct ends e = ends_of(p, row_i);
	const char *fault = ix->is_trusted ? ends_fault(ix, &e, at) : NULL;

	if (!fault)
		*order = heft_row_key_compare(space, name, name_size, p[HEFT_ROW_SPACE],
		                              ix->strings + e.name_at, e.name_end - e.name_at);
	return fault;
}

enum heft_status heft_index_find(struct heft_index *ix, uint8_t space, const char *name,
                                 size_t name_size, uint32_t *row_i, struct heft_error *err)
{
	uint32_t low = 0;
	uint32_t high = heft_index_n_tensors(ix);

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const char *fault;
		uint32_t at;
		int order;

		fault = compare_row(ix, middle, space, name, name_size, &order, &at);
		if (fault)
			return heft_fail_row(ix, middle, at, HEFT_E_CORRUPT, fault, err);
		if (order == 0) {
			*row_i = middle;
			return HEFT_OK;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET, "there is no tensor '%.*s'",
	                 (int)(name_size < HEFT_MAX_NAME ? name_size : HEFT_MAX_NAME), name);
}
