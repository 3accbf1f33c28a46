/* SPDX-License-Identifier: Apache-2.0 */
/* torch_numpy.c - NumPy's scalars and arrays of numbers, as they stand in pickles, as metadata
 * (Y4-1). */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "format/torch_tree.h"
#include "tensor/dtype.h"
#include "tensor/order.h"

struct numpy_type {
	const char *name; /* NumPy's, without the byte order */
	enum heft_dtype dtype;
};

static const struct numpy_type types[] = {
	{ "b1", HEFT_DTYPE_BOOL }, { "u1", HEFT_DTYPE_U8 },    { "i1", HEFT_DTYPE_I8 },
	{ "u2", HEFT_DTYPE_U16 },  { "i2", HEFT_DTYPE_I16 },   { "u4", HEFT_DTYPE_U32 },
	{ "i4", HEFT_DTYPE_I32 },  { "u8", HEFT_DTYPE_U64 },   { "i8", HEFT_DTYPE_I64 },
	{ "f2", HEFT_DTYPE_F16 },  { "f4", HEFT_DTYPE_F32 },   { "f8", HEFT_DTYPE_F64 },
	{ "c8", HEFT_DTYPE_C64 },  { "c16", HEFT_DTYPE_C128 },
};

struct array {
	enum heft_dtype dtype;
	bool is_big_endian;
	bool is_column_major;
	uint32_t rank;
	uint64_t dims[HEFT_MAX_RANK];
	uint64_t n_elements;
	const uint8_t *bytes;
	size_t n_bytes;
};

/* --- reading --- */

/* The call dtype('f4', …) with the state (3, '<', …). */
static bool read_dtype(const struct heft_pickle *p, heft_pickle_ref v, struct array *a)
{
	heft_pickle_ref order;

	if (v == HEFT_PICKLE_NONE || !heft_pickle_is_of(p, v, "numpy", "dtype"))
		return false;
	order = heft_torch_item(p, heft_pickle_state(p, v), 1, HEFT_PICKLE_TEXT);
	a->is_big_endian = order != HEFT_PICKLE_NONE && heft_pickle_is_text(p, order, ">");
	v = heft_torch_item(p, heft_pickle_argument(p, v), 0, HEFT_PICKLE_TEXT);
	for (size_t i = 0; v != HEFT_PICKLE_NONE && i < sizeof types / sizeof *types; i++) {
		if (heft_pickle_is_text(p, v, types[i].name)) {
			a->dtype = types[i].dtype;
			return true;
		}
	}
	return false;
}

static bool is_of_multiarray(const struct heft_pickle *p, heft_pickle_ref v, const char *name)
{
	return heft_pickle_is_of(p, v, "numpy.core.multiarray", name) ||
	       heft_pickle_is_of(p, v, "numpy._core.multiarray", name);
}

static bool read_bytes(const struct heft_pickle *p, heft_pickle_ref v, struct array *a)
{
	uint64_t n_bytes;

	if (v == HEFT_PICKLE_NONE ||
	    heft_tensor_size(a->dtype, a->rank, a->dims, &a->n_elements, &n_bytes, NULL) != HEFT_OK)
		return false;
	a->bytes = heft_pickle_bytes(p, v, &a->n_bytes);
	return a->n_bytes == n_bytes;
}

/* scalar(DTYPE, BYTES) */
static bool read_scalar(const struct heft_pickle *p, heft_pickle_ref v, struct array *a)
{
	const heft_pickle_ref args = heft_pickle_argument(p, v);

	return read_dtype(p, heft_torch_item(p, args, 0, HEFT_PICKLE_CALL), a) &&
	       read_bytes(p, heft_torch_item(p, args, 1, HEFT_PICKLE_BYTES), a);
}

static bool read_shape(const struct heft_pickle *p, heft_pickle_ref v, struct array *a)
{
	struct heft_error ignored;

	return v != HEFT_PICKLE_NONE &&
	       heft_torch_read_dims(p, v, "", "", &a->rank, a->dims, &ignored) == HEFT_OK;
}

/* _reconstruct(…) with the state (1, SHAPE, DTYPE, IS_COLUMN_MAJOR, BYTES) */
static bool read_array(const struct heft_pickle *p, heft_pickle_ref v, struct array *a)
{
	const heft_pickle_ref state = heft_pickle_state(p, v);
	const heft_pickle_ref order = heft_torch_item(p, state, 3, HEFT_PICKLE_BOOL);

	if (order == HEFT_PICKLE_NONE)
		return false;
	a->is_column_major = heft_pickle_bool(p, order);
	return read_shape(p, heft_torch_item(p, state, 1, HEFT_PICKLE_TUPLE), a) &&
	       read_dtype(p, heft_torch_item(p, state, 2, HEFT_PICKLE_CALL), a) &&
	       read_bytes(p, heft_torch_item(p, state, 4, HEFT_PICKLE_BYTES), a);
}

/* --- telling --- */

static void add_number(struct heft_buffer *b, enum heft_dtype dtype, const uint8_t *bytes)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);
	uint8_t wide[8] = { 0 };
	uint64_t bits;
	double number;

	if (dtype == HEFT_DTYPE_BOOL) {
		heft_buffer_addf(b, bytes[0] ? "true" : "false");
		return;
	}
	/* No pair of these types fails. */
	heft_cast_elements(info->is_float ? HEFT_DTYPE_F64 : HEFT_DTYPE_I64, wide, dtype, bytes, 1,
	                   NULL);
	bits = heft_get_le64(wide);
	if (info->is_float) {
		memcpy(&number, &bits, sizeof number);
		heft_torch_add_float(b, number);
	} else {
		heft_torch_add_int(b, (int64_t)bits);
	}
}

static void add_scalar(struct heft_buffer *b, const struct array *a)
{
	uint8_t bytes[17] = { 0 }; /* a zero behind makes an unsigned number one */

	memcpy(bytes, a->bytes, a->n_bytes);
	if (a->is_big_endian)
		heft_swap_bytes(bytes, a->n_bytes, heft_swap_size(a->dtype));
	if (a->dtype == HEFT_DTYPE_U64 && bytes[7] >= 0x80)
		heft_torch_add_big(b, bytes, 9);
	else
		add_number(b, a->dtype, bytes);
}

/* The logical bytes, in memory of their own; NULL: no memory. */
static uint8_t *logical_bytes(const struct array *a)
{
	uint8_t *bytes = heft_alloc(a->n_bytes);

	if (!bytes)
		return NULL;
	if (a->is_column_major && a->rank > 1 && a->n_bytes > 0)
		heft_to_row_major(bytes, a->bytes, a->rank, a->dims,
		                  heft_dtype_describe(a->dtype)->n_bytes);
	else if (a->n_bytes > 0)
		memcpy(bytes, a->bytes, a->n_bytes);
	if (a->is_big_endian)
		heft_swap_bytes(bytes, a->n_bytes, heft_swap_size(a->dtype));
	return bytes;
}

static void add_array(struct heft_buffer *b, const struct array *a)
{
	uint8_t *bytes = logical_bytes(a);

	if (!bytes) {
		b->ok = false;
		return;
	}
	heft_buffer_addf(b, "{\"t\":\"array\",\"dtype\":\"%s\",\"dims\":[",
	                 heft_dtype_name(a->dtype));
	for (uint32_t i = 0; i < a->rank; i++)
		heft_buffer_addf(b, "%s%llu", i > 0 ? "," : "", (unsigned long long)a->dims[i]);
	heft_buffer_addf(b, "],\"n\":%llu,\"v\":\"", (unsigned long long)a->n_elements);
	heft_torch_add_base64(b, bytes, a->n_bytes);
	heft_buffer_addf(b, "\"}");
	heft_free(bytes);
}

bool heft_torch_add_numpy(struct heft_buffer *b, const struct heft_pickle *p, heft_pickle_ref v,
                          size_t max_size)
{
	struct array a = { .rank = 0 };
	const bool is_scalar = is_of_multiarray(p, v, "scalar");

	if (is_scalar ? !read_scalar(p, v, &a)
	              : !is_of_multiarray(p, v, "_reconstruct") || !read_array(p, v, &a))
		return false;
	if (a.n_bytes / 3 * 4 > max_size)
		heft_buffer_addf(b, "{\"t\":\"cut\"}");
	else if (is_scalar && !heft_dtype_describe(a.dtype)->is_complex)
		add_scalar(b, &a);
	else
		add_array(b, &a);
	return true;
}
