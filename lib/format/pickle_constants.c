/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_constants.c - the opcodes of a pickle that push a constant whose size is told or known. */
#include <string.h>

#include "base/error.h"
#include "format/pickle_machine.h"

static enum heft_status push_integer(struct heft_pickle_machine *m, enum heft_pickle_kind kind,
                                     int64_t integer)
{
	heft_pickle_ref v;

	HEFT_TRY(heft_pickle_push_new(m, kind, &v));
	m->p->values[v].u.integer = integer;
	return HEFT_OK;
}

enum heft_status heft_pickle_op_none(struct heft_pickle_machine *m)
{
	return push_integer(m, HEFT_PICKLE_NULL, 0);
}

enum heft_status heft_pickle_op_true(struct heft_pickle_machine *m)
{
	return push_integer(m, HEFT_PICKLE_BOOL, 1);
}

enum heft_status heft_pickle_op_false(struct heft_pickle_machine *m)
{
	return push_integer(m, HEFT_PICKLE_BOOL, 0);
}

enum heft_status heft_pickle_op_binint(struct heft_pickle_machine *m)
{
	uint64_t v;

	HEFT_TRY(heft_pickle_take_number(m, 4, &v));
	return push_integer(m, HEFT_PICKLE_INT, (int32_t)(uint32_t)v);
}

enum heft_status heft_pickle_op_binint1(struct heft_pickle_machine *m)
{
	uint64_t v;

	HEFT_TRY(heft_pickle_take_number(m, 1, &v));
	return push_integer(m, HEFT_PICKLE_INT, (int64_t)v);
}

enum heft_status heft_pickle_op_binint2(struct heft_pickle_machine *m)
{
	uint64_t v;

	HEFT_TRY(heft_pickle_take_number(m, 2, &v));
	return push_integer(m, HEFT_PICKLE_INT, (int64_t)v);
}

/* Big-endian, alone among all numbers here. */
enum heft_status heft_pickle_op_binfloat(struct heft_pickle_machine *m)
{
	heft_pickle_ref v;
	uint64_t bits;

	HEFT_TRY(heft_pickle_take_number(m, 8, &bits));
	bits = __builtin_bswap64(bits);
	HEFT_TRY(heft_pickle_push_new(m, HEFT_PICKLE_FLOAT, &v));
	memcpy(&m->p->values[v].u.real, &bits, sizeof bits);
	return HEFT_OK;
}

/* The bytes behind a size of `width` bytes: where they begin. */
static enum heft_status take_counted(struct heft_pickle_machine *m, size_t width, bool is_signed,
                                     size_t *first, size_t *n)
{
	const uint8_t *bytes;
	uint64_t size;

	HEFT_TRY(heft_pickle_take_number(m, width, &size));
	if (is_signed && size > INT32_MAX)
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "a size is negative");
	*first = m->c.pos;
	HEFT_TRY(heft_pickle_take(m, size, &bytes));
	*n = (size_t)size;
	return HEFT_OK;
}

static enum heft_status push_counted_text(struct heft_pickle_machine *m, size_t width,
                                          bool is_python_2)
{
	size_t first = 0;
	size_t n = 0;

	HEFT_TRY(take_counted(m, width, is_python_2 && width == 4, &first, &n));
	return heft_pickle_push_text(m, false, first, n, is_python_2);
}

static enum heft_status push_counted_bytes(struct heft_pickle_machine *m, size_t width)
{
	heft_pickle_ref v;
	size_t first = 0;
	size_t n = 0;

	HEFT_TRY(take_counted(m, width, false, &first, &n));
	HEFT_TRY(
		heft_pickle_add_bytes(m->p, m->at, HEFT_PICKLE_BYTES, false, first, n, &v, m->err));
	return heft_pickle_push(m, v);
}

static enum heft_status push_counted_number(struct heft_pickle_machine *m, size_t width)
{
	size_t first = 0;
	size_t n = 0;

	HEFT_TRY(take_counted(m, width, width == 4, &first, &n));
	return heft_pickle_push_number(m, false, first, n);
}

enum heft_status heft_pickle_op_short_binstring(struct heft_pickle_machine *m)
{
	return push_counted_text(m, 1, true);
}

enum heft_status heft_pickle_op_binstring(struct heft_pickle_machine *m)
{
	return push_counted_text(m, 4, true);
}

enum heft_status heft_pickle_op_short_binunicode(struct heft_pickle_machine *m)
{
	return push_counted_text(m, 1, false);
}

enum heft_status heft_pickle_op_binunicode(struct heft_pickle_machine *m)
{
	return push_counted_text(m, 4, false);
}

enum heft_status heft_pickle_op_binunicode8(struct heft_pickle_machine *m)
{
	return push_counted_text(m, 8, false);
}

enum heft_status heft_pickle_op_short_binbytes(struct heft_pickle_machine *m)
{
	return push_counted_bytes(m, 1);
}

enum heft_status heft_pickle_op_binbytes(struct heft_pickle_machine *m)
{
	return push_counted_bytes(m, 4);
}

enum heft_status heft_pickle_op_binbytes8(struct heft_pickle_machine *m)
{
	return push_counted_bytes(m, 8);
}

enum heft_status heft_pickle_op_long1(struct heft_pickle_machine *m)
{
	return push_counted_number(m, 1);
}

enum heft_status heft_pickle_op_long4(struct heft_pickle_machine *m)
{
	return push_counted_number(m, 4);
}
