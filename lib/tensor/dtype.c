/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.c - the table of dtypes of spec/ids.md, and how many bytes a tensor of one fills. */
#include "tensor/dtype.h"

#include "base/checked.h"
#include "base/error.h"

#define MAX_TOTAL (UINT64_C(1) << 63) /* elements and bytes stay below */

#define INTEGER(name, n_elements, n_bytes)                           \
	{                                                            \
		name, n_elements, n_bytes, false, true, false, false \
	}
#define FLOATING(name, n_elements, n_bytes)                          \
	{                                                            \
		name, n_elements, n_bytes, true, false, false, false \
	}
#define COMPLEX(name, n_bytes)                              \
	{                                                   \
		name, 1, n_bytes, false, false, true, false \
	}
#define BLOCK(name, n_elements, n_bytes)                             \
	{                                                            \
		name, n_elements, n_bytes, false, false, false, true \
	}

static const struct heft_dtype_info plain_types[] = {
	[HEFT_DTYPE_BOOL] = { "BOOL", 1, 1, false, false, false, false },
	[HEFT_DTYPE_U8] = INTEGER("U8", 1, 1),
	[HEFT_DTYPE_I8] = INTEGER("I8", 1, 1),
	[HEFT_DTYPE_U16] = INTEGER("U16", 1, 2),
	[HEFT_DTYPE_I16] = INTEGER("I16", 1, 2),
	[HEFT_DTYPE_U32] = INTEGER("U32", 1, 4),
	[HEFT_DTYPE_I32] = INTEGER("I32", 1, 4),
	[HEFT_DTYPE_U64] = INTEGER("U64", 1, 8),
	[HEFT_DTYPE_I64] = INTEGER("I64", 1, 8),
	[HEFT_DTYPE_F16] = FLOATING("F16", 1, 2),
	[HEFT_DTYPE_BF16] = FLOATING("BF16", 1, 2),
	[HEFT_DTYPE_F32] = FLOATING("F32", 1, 4),
	[HEFT_DTYPE_F64] = FLOATING("F64", 1, 8),
	[HEFT_DTYPE_C64] = COMPLEX("C64", 8),
	[HEFT_DTYPE_C128] = COMPLEX("C128", 16),
	[HEFT_DTYPE_F8_E4M3] = FLOATING("F8_E4M3", 1, 1),
	[HEFT_DTYPE_F8_E5M2] = FLOATING("F8_E5M2", 1, 1),
	[HEFT_DTYPE_F8_E4M3FNUZ] = FLOATING("F8_E4M3FNUZ", 1, 1),
	[HEFT_DTYPE_F8_E5M2FNUZ] = FLOATING("F8_E5M2FNUZ", 1, 1),
	[HEFT_DTYPE_F8_E8M0] = FLOATING("F8_E8M0", 1, 1),
	[HEFT_DTYPE_F6_E2M3] = FLOATING("F6_E2M3", 4, 3),
	[HEFT_DTYPE_F6_E3M2] = FLOATING("F6_E3M2", 4, 3),
	[HEFT_DTYPE_F4] = FLOATING("F4", 2, 1),
	[HEFT_DTYPE_U4] = INTEGER("U4", 2, 1),
	[HEFT_DTYPE_I4] = INTEGER("I4", 2, 1),
	[HEFT_DTYPE_U2] = INTEGER("U2", 4, 1),
	[HEFT_DTYPE_I2] = INTEGER("I2", 4, 1),
};

/* By ggml's number. Its plain types and the numbers it removed have no row: they are refused. */
static const struct heft_dtype_info block_types[] = {
	[2] = BLOCK("Q4_0", 32, 18),      [3] = BLOCK("Q4_1", 32, 20),
	[6] = BLOCK("Q5_0", 32, 22),      [7] = BLOCK("Q5_1", 32, 24),
	[8] = BLOCK("Q8_0", 32, 34),      [9] = BLOCK("Q8_1", 32, 36),
	[10] = BLOCK("Q2_K", 256, 84),    [11] = BLOCK("Q3_K", 256, 110),
	[12] = BLOCK("Q4_K", 256, 144),   [13] = BLOCK("Q5_K", 256, 176),
	[14] = BLOCK("Q6_K", 256, 210),   [15] = BLOCK("Q8_K", 256, 292),
	[16] = BLOCK("IQ2_XXS", 256, 66), [17] = BLOCK("IQ2_XS", 256, 74),
	[18] = BLOCK("IQ3_XXS", 256, 98), [19] = BLOCK("IQ1_S", 256, 50),
	[20] = BLOCK("IQ4_NL", 32, 18),   [21] = BLOCK("IQ3_S", 256, 110),
	[22] = BLOCK("IQ2_S", 256, 82),   [23] = BLOCK("IQ4_XS", 256, 136),
	[29] = BLOCK("IQ1_M", 256, 56),   [34] = BLOCK("TQ1_0", 256, 54),
	[35] = BLOCK("TQ2_0", 256, 66),   [39] = BLOCK("MXFP4", 32, 17),
	[40] = BLOCK("NVFP4", 64, 36),    [41] = BLOCK("Q1_0", 128, 18),
	[42] = BLOCK("Q2_0", 64, 18),
};

#define N_PLAIN (sizeof plain_types / sizeof *plain_types)
#define N_BLOCK (sizeof block_types / sizeof *block_types)

const struct heft_dtype_info *heft_dtype_describe(enum heft_dtype dtype)
{
	const uint32_t number = (uint32_t)dtype;
	const struct heft_dtype_info *info = NULL;

	if (number < N_PLAIN)
		info = &plain_types[number];
	else if (number >= HEFT_DTYPE_GGML && number - HEFT_DTYPE_GGML < N_BLOCK)
		info = &block_types[number - HEFT_DTYPE_GGML];
	return info && info->name ? info : NULL;
}

bool heft_dtype_is_refused(uint32_t dtype)
{
	return dtype >= HEFT_DTYPE_GGML && dtype - HEFT_DTYPE_GGML < N_BLOCK &&
	       !block_types[dtype - HEFT_DTYPE_GGML].name;
}

bool heft_dtype_has_any_size(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_STR || dtype == HEFT_DTYPE_UCS4 || dtype == HEFT_DTYPE_VOID;
}

uint32_t heft_any_size_unit(enum heft_dtype dtype, uint64_t n_elements, uint64_t n_bytes)
{
	const uint64_t size = n_elements > 0 ? n_bytes / n_elements : 0;

	if (size > 0 && size <= HEFT_CHUNK_MAX && n_bytes % n_elements == 0)
		return (uint32_t)size;
	return dtype == HEFT_DTYPE_UCS4 ? 4 : 1;
}

const char *heft_dtype_name(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	if (info)
		return info->name;
	/* They have names and no size of their own. */
	switch (dtype) {
	case HEFT_DTYPE_STR:
		return "STR";
	case HEFT_DTYPE_UCS4:
		return "UCS4";
	case HEFT_DTYPE_VOID:
		return "VOID";
	default:
		return "?";
	}
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The names of the table are upper case; the locale has no say. */
static bool same_name(const char *of_table, const char *name)
{
	while (*of_table && *of_table == upper(*name)) {
		of_table++;
		name++;
	}
	return *of_table == *name;
}

/* The row of that name, or n. */
static uint32_t find_name(const struct heft_dtype_info *types, uint32_t n, const char *name)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (types[i].name && same_name(types[i].name, name))
			break;
	}
	return i;
}

enum heft_dtype heft_dtype_from_name(const char *name)
{
	uint32_t i = find_name(plain_types, N_PLAIN, name);

	if (i < N_PLAIN)
		return (enum heft_dtype)i;
	i = find_name(block_types, N_BLOCK, name);
	return i < N_BLOCK ? (enum heft_dtype)(HEFT_DTYPE_GGML + i) : HEFT_DTYPE_NONE;
}

bool heft_dims_product(uint32_t rank, const uint64_t *dims, uint64_t *n_elements)
{
	uint64_t product = 1;
	bool is_empty = false;

	for (uint32_t i = 0; i < rank; i++) {
		if (dims[i] == 0)
			is_empty = true;
		else if (!heft_mul_u64(product, dims[i], &product) || product >= MAX_TOTAL)
			return false;
	}
	*n_elements = is_empty ? 0 : product;
	return true;
}

/* Elements narrower than a byte leave the rest of the last byte unused. */
static bool bytes_of(const struct heft_dtype_info *info, uint64_t n_elements, uint64_t *n_bytes)
{
	const uint64_t n_rest = n_elements % info->n_elements;
	const uint64_t rest_size = (n_rest * info->n_bytes + info->n_elements - 1) /
	                           info->n_elements;

	return heft_mul_u64(n_elements / info->n_elements, info->n_bytes, n_bytes) &&
	       heft_add_u64(*n_bytes, rest_size, n_bytes) && *n_bytes < MAX_TOTAL;
}

enum heft_status heft_tensor_size(enum heft_dtype dtype, uint32_t rank, const uint64_t *dims,
                                  uint64_t *n_elements, uint64_t *n_bytes, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);
	uint64_t elements;
	uint64_t size;

	if (!info)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "dtype 0x%04x is unknown",
		                 (unsigned)dtype);
	if (rank > HEFT_MAX_RANK)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "rank %u is above %d",
		                 (unsigned)rank, HEFT_MAX_RANK);
	if (info->is_block && (rank == 0 || dims[rank - 1] % info->n_elements != 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%s needs a last dimension of whole blocks of %u", info->name,
		                 (unsigned)info->n_elements);
	if (!heft_dims_product(rank, dims, &elements) || !bytes_of(info, elements, &size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the shape has 2^63 elements or bytes or more");
	if (n_elements)
		*n_elements = elements;
	if (n_bytes)
		*n_bytes = size;
	return HEFT_OK;
}

const char *heft_space_name(enum heft_space space)
{
	static const char *const names[] = { "weights", "optimizer", "state" };

	return (unsigned)space < sizeof names / sizeof *names ? names[space] : "?";
}

const char *heft_role_name(enum heft_role role)
{
	static const char *const names[] = { "", "weight", "bias", "norm", "embedding", "buffer" };

	return (unsigned)role < sizeof names / sizeof *names ? names[role] : "";
}
