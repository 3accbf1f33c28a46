/* SPDX-License-Identifier: Apache-2.0 */
/* base/table.h - a bounded view of a table with rows of one size, used where it lies. A row number
 * or field outside reads as 0 and never past the end; the caller checks row numbers that come from
 * a file before it trusts a value. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <string.h>

#include "base/bytes.h"

struct heft_table {
	const uint8_t *bytes;
	uint64_t n_rows;
	uint32_t row_size;
};

static inline const uint8_t *heft_table_field(const struct heft_table *t, uint64_t row, uint32_t at,
                                              uint32_t n)
{
	static const uint8_t zeros[32];

	return row < t->n_rows && n <= t->row_size && at <= t->row_size - n
	               ? t->bytes + row * t->row_size + at
	               : zeros;
}

static inline uint8_t heft_table_u8(const struct heft_table *t, uint64_t row, uint32_t at)
{
	return *heft_table_field(t, row, at, 1);
}

static inline uint16_t heft_table_u16(const struct heft_table *t, uint64_t row, uint32_t at)
{
	return heft_get_le16(heft_table_field(t, row, at, 2));
}

static inline uint32_t heft_table_u32(const struct heft_table *t, uint64_t row, uint32_t at)
{
	return heft_get_le32(heft_table_field(t, row, at, 4));
}

static inline uint64_t heft_table_u64(const struct heft_table *t, uint64_t row, uint32_t at)
{
	return heft_get_le64(heft_table_field(t, row, at, 8));
}

/* Copies a digest out. */
static inline void heft_table_digest(const struct heft_table *t, uint64_t row, uint32_t at,
                                     uint8_t *digest)
{
	memcpy(digest, heft_table_field(t, row, at, 32), 32);
}

#endif
