/* SPDX-License-Identifier: Apache-2.0 */
/* torch_types.c - the dtypes that PyTorch's storages and tensors have, by their names (Y2-3). */
#include <string.h>

#include "format/torch_tree.h"

static const struct heft_torch_type types[] = {
	{ "Float", "float32", "float", HEFT_DTYPE_F32, 4, false },
	{ "Double", "float64", "double", HEFT_DTYPE_F64, 8, false },
	{ "Half", "float16", "half", HEFT_DTYPE_F16, 2, false },
	{ "BFloat16", "bfloat16", NULL, HEFT_DTYPE_BF16, 2, false },
	{ "Long", "int64", "long", HEFT_DTYPE_I64, 8, false },
	{ "Int", "int32", "int", HEFT_DTYPE_I32, 4, false },
	{ "Short", "int16", "short", HEFT_DTYPE_I16, 2, false },
	{ "Char", "int8", NULL, HEFT_DTYPE_I8, 1, false },
	{ "Byte", "uint8", NULL, HEFT_DTYPE_U8, 1, false },
	{ "Bool", "bool", NULL, HEFT_DTYPE_BOOL, 1, false },
	{ "ComplexFloat", "complex64", "cfloat", HEFT_DTYPE_C64, 8, false },
	{ "ComplexDouble", "complex128", "cdouble", HEFT_DTYPE_C128, 16, false },
	{ "QInt8", "qint8", NULL, HEFT_DTYPE_I8, 1, true },
	{ "QUInt8", "quint8", NULL, HEFT_DTYPE_U8, 1, true },
	{ "QInt32", "qint32", NULL, HEFT_DTYPE_I32, 4, true },
	{ NULL, "uint16", NULL, HEFT_DTYPE_U16, 2, false },
	{ NULL, "uint32", NULL, HEFT_DTYPE_U32, 4, false },
	{ NULL, "uint64", NULL, HEFT_DTYPE_U64, 8, false },
	{ NULL, "float8_e4m3fn", NULL, HEFT_DTYPE_F8_E4M3, 1, false },
	{ NULL, "float8_e5m2", NULL, HEFT_DTYPE_F8_E5M2, 1, false },
	{ NULL, "float8_e4m3fnuz", NULL, HEFT_DTYPE_F8_E4M3FNUZ, 1, false },
	{ NULL, "float8_e5m2fnuz", NULL, HEFT_DTYPE_F8_E5M2FNUZ, 1, false },
	{ NULL, "float8_e8m0fnu", NULL, HEFT_DTYPE_F8_E8M0, 1, false },
	{ NULL, "float4_e2m1fn_x2", NULL, HEFT_DTYPE_F4, 1, false }, /* an element is a pair */
	{ "Untyped", NULL, NULL, HEFT_DTYPE_NONE, 1, false },
	{ "_Untyped", NULL, NULL, HEFT_DTYPE_NONE, 1, false },
};

#define N_TYPES (sizeof types / sizeof *types)

static bool is_of_torch(const struct heft_pickle *p, heft_pickle_ref v)
{
	const char *module;

	if (v == HEFT_PICKLE_NONE || heft_pickle_kind(p, v) != HEFT_PICKLE_GLOBAL)
		return false;
	module = heft_pickle_module(p, v);
	return strncmp(module, "torch", 5) == 0 && (module[5] == '\0' || module[5] == '.');
}

/* torch.FloatStorage, torch.cuda.FloatStorage, torch.storage.UntypedStorage */
const struct heft_torch_type *heft_torch_storage_type(const struct heft_pickle *p,
                                                      heft_pickle_ref v)
{
	const char *name;

	if (!is_of_torch(p, v))
		return NULL;
	name = heft_pickle_name(p, v);
	for (size_t i = 0; i < N_TYPES; i++) {
		const size_t n = types[i].storage ? strlen(types[i].storage) : 0;

		if (n > 0 && strncmp(name, types[i].storage, n) == 0 &&
		    strcmp(name + n, "Storage") == 0)
			return &types[i];
	}
	return NULL;
}

static bool is_called(const struct heft_torch_type *type, const char *name)
{
	return type->name && (strcmp(type->name, name) == 0 ||
	                      (type->other_name && strcmp(type->other_name, name) == 0));
}

const struct heft_torch_type *heft_torch_dtype(const struct heft_pickle *p, heft_pickle_ref v)
{
	if (!is_of_torch(p, v))
		return NULL;
	for (size_t i = 0; i < N_TYPES; i++) {
		if (is_called(&types[i], heft_pickle_name(p, v)))
			return &types[i];
	}
	return NULL;
}
