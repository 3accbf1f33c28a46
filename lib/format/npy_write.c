/* SPDX-License-Identifier: Apache-2.0 */
/* npy_write.c - the header in front of an array that is written, byte for byte NumPy's
 * (spec/foreign/npy.md, section 7). */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/npy.h"
#include "tensor/dtype.h"

#define QUOTED 80       /* bytes of a name in a message */
#define ALIGNMENT 64u   /* of the data */
#define PREFIX_SIZE 10u /* magic, version 1.0, size of the rest: 32 dimensions never need 2.0 */
/* NumPy leaves room for the dimension that an array grows in. */
#define GROWTH_DIGITS 21u

static const char *const names[] = {
	[HEFT_DTYPE_BOOL] = "|b1", [HEFT_DTYPE_U8] = "|u1",    [HEFT_DTYPE_I8] = "|i1",
	[HEFT_DTYPE_U16] = "<u2",  [HEFT_DTYPE_I16] = "<i2",   [HEFT_DTYPE_U32] = "<u4",
	[HEFT_DTYPE_I32] = "<i4",  [HEFT_DTYPE_U64] = "<u8",   [HEFT_DTYPE_I64] = "<i8",
	[HEFT_DTYPE_F16] = "<f2",  [HEFT_DTYPE_F32] = "<f4",   [HEFT_DTYPE_F64] = "<f8",
	[HEFT_DTYPE_C64] = "<c8",  [HEFT_DTYPE_C128] = "<c16",
};

static const char *name_of(enum heft_dtype dtype)
{
	return (size_t)dtype < sizeof names / sizeof *names ? names[dtype] : NULL;
}

static enum heft_status refuse_dtype(const struct heft_tensor *t, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(t->dtype);

	if (!info)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.*s' is of dtype 0x%04x, which NumPy cannot hold: "
		                 "--exclude leaves it out",
		                 QUOTED, t->name, (unsigned)t->dtype);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "tensor '%.*s' is %s, which NumPy cannot hold: %s--exclude leaves it out",
	                 QUOTED, t->name, info->name,
	                 info->is_block     ? ""
	                 : info->is_integer ? "--dtype-of GLOB=I8 or U8 casts it, "
	                                    : "--dtype F32 or --dtype-of GLOB=F32 casts it, ");
}

enum heft_status heft_npy_check_tensor(const struct heft_tensor *t, struct heft_error *err)
{
	if (t->space != HEFT_SPACE_WEIGHTS)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.*s' is of space %s, and NumPy's files hold weights "
		                 "alone: --weights-only leaves the others out",
		                 QUOTED, t->name, heft_space_name(t->space));
	if (name_of(t->dtype))
		return HEFT_OK;
	if (!heft_dtype_has_any_size(t->dtype))
		return refuse_dtype(t, err);
	if ((t->n_elements == 0 ? t->n_bytes : t->n_bytes % t->n_elements) != 0 ||
	    (t->dtype == HEFT_DTYPE_UCS4 && t->n_bytes % 4 != 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the elements of tensor '%.*s' are not of one size: --exclude "
		                 "leaves it out",
		                 QUOTED, t->name);
	return HEFT_OK;
}

static void add_type(const struct heft_tensor *t, uint32_t unit, struct heft_buffer *b)
{
	const uint64_t size = t->n_elements > 0 ? t->n_bytes / t->n_elements : unit;
	const char *name = name_of(t->dtype);

	if (name)
		heft_buffer_addf(b, "%s", name);
	else if (t->dtype == HEFT_DTYPE_UCS4)
		heft_buffer_addf(b, "<U%llu", (unsigned long long)size / 4);
	else
		heft_buffer_addf(b, "|%c%llu", t->dtype == HEFT_DTYPE_STR ? 'S' : 'V',
		                 (unsigned long long)size);
}

static void add_spaces(struct heft_buffer *b, size_t n)
{
	while (n-- > 0)
		heft_buffer_add_u8(b, ' ');
}

static void add_shape(const struct heft_tensor *t, struct heft_buffer *b)
{
	heft_buffer_add_u8(b, '(');
	for (uint32_t i = 0; i < t->rank; i++)
		heft_buffer_addf(b, i > 0 ? ", %llu" : "%llu", (unsigned long long)t->dims[i]);
	heft_buffer_addf(b, t->rank == 1 ? ",)" : ")");
}

void heft_npy_write_header(const struct heft_tensor *t, uint32_t unit, struct heft_buffer *b)
{
	const size_t at = b->size;
	char first[GROWTH_DIGITS];
	size_t size;

	heft_buffer_add(b, HEFT_NPY_MAGIC "\1\0\0\0", PREFIX_SIZE);
	heft_buffer_addf(b, "{'descr': '");
	add_type(t, unit, b);
	heft_buffer_addf(b, "', 'fortran_order': False, 'shape': ");
	add_shape(t, b);
	heft_buffer_addf(b, ", }");
	if (t->rank > 0)
		add_spaces(b, GROWTH_DIGITS - (size_t)snprintf(first, sizeof first, "%llu",
		                                               (unsigned long long)t->dims[0]));
	/* 1 to 64 of them, the newline not counted: also where none were needed */
	add_spaces(b, ALIGNMENT - (b->size - at + 1) % ALIGNMENT);
	heft_buffer_add_u8(b, '\n');
	if (!b->ok)
		return;
	size = b->size - at - PREFIX_SIZE;
	heft_put_le16(b->bytes + at + 8, (uint16_t)size);
}
