/* SPDX-License-Identifier: Apache-2.0 */
/* types.c - ONNX's data types, and how each lies in its typed field (spec/foreign/onnx.md, O2-8 and
 * O3-3). */
#include "onnx/model.h"

#include "onnx/fields.h"

#define HOW(dtype, field, bits, is_weight)                                   \
	{                                                                    \
		HEFT_DTYPE_##dtype, HEFT_TENSOR_##field, (bits), (is_weight) \
	}

/* By the numbers of TensorProto.DataType. A field of its own has FLOAT and COMPLEX64, DOUBLE and
 * COMPLEX128, INT64, and UINT32 with UINT64. */
static const struct heft_onnx_type types[] = {
	[1] = HOW(F32, FLOAT_DATA, 32, true),         [2] = HOW(U8, INT32_DATA, 8, true),
	[3] = HOW(I8, INT32_DATA, 8, true),           [4] = HOW(U16, INT32_DATA, 16, false),
	[5] = HOW(I16, INT32_DATA, 16, false),        [6] = HOW(I32, INT32_DATA, 32, false),
	[7] = HOW(I64, INT64_DATA, 64, false),        [9] = HOW(BOOL, INT32_DATA, 8, false),
	[10] = HOW(F16, INT32_DATA, 16, true),        [11] = HOW(F64, DOUBLE_DATA, 64, true),
	[12] = HOW(U32, UINT64_DATA, 32, false),      [13] = HOW(U64, UINT64_DATA, 64, false),
	[14] = HOW(C64, FLOAT_DATA, 32, true),        [15] = HOW(C128, DOUBLE_DATA, 64, true),
	[16] = HOW(BF16, INT32_DATA, 16, true),       [17] = HOW(F8_E4M3, INT32_DATA, 8, true),
	[18] = HOW(F8_E4M3FNUZ, INT32_DATA, 8, true), [19] = HOW(F8_E5M2, INT32_DATA, 8, true),
	[20] = HOW(F8_E5M2FNUZ, INT32_DATA, 8, true), [21] = HOW(U4, INT32_DATA, 8, true),
	[22] = HOW(I4, INT32_DATA, 8, true),          [23] = HOW(F4, INT32_DATA, 8, true),
	[24] = HOW(F8_E8M0, INT32_DATA, 8, true),     [25] = HOW(U2, INT32_DATA, 8, true),
	[26] = HOW(I2, INT32_DATA, 8, true),          [27] = HOW(F6_E2M3, INT32_DATA, 6, true),
	[28] = HOW(F6_E3M2, INT32_DATA, 6, true),
};

#define N_TYPES (sizeof types / sizeof *types)

const struct heft_onnx_type *heft_onnx_type(uint64_t data_type)
{
	if (data_type >= N_TYPES || types[data_type].dtype == HEFT_DTYPE_NONE)
		return NULL;
	return &types[data_type];
}

enum heft_dtype heft_onnx_dtype(uint64_t data_type)
{
	const struct heft_onnx_type *type = heft_onnx_type(data_type);

	return type ? (enum heft_dtype)type->dtype : HEFT_DTYPE_NONE;
}

uint32_t heft_onnx_data_type(enum heft_dtype dtype)
{
	for (uint32_t i = 0; dtype != HEFT_DTYPE_NONE && i < N_TYPES; i++)
		if (types[i].dtype == dtype)
			return i;
	return 0;
}
