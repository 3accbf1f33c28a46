/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/tensor.h - what a tensor is: a name, a dtype, a shape; and what a dtype is.
 *
 * A tensor's logical bytes are little-endian, row-major and packed, whatever the file holds.
 * Elements narrower than a byte fill it from the low bits up; F6 packs four elements into three
 * bytes. dtypes print as in safetensors ("F32", "BF16", "F8_E4M3"), block types as in ggml
 * ("Q4_K").
 *
 *	struct heft_tensor t;
 *
 *	if (heft_find(file, "encoder.0.weight", &t, &err) == HEFT_OK)
 *		printf("%s %s %" PRIu64 " bytes\n", t.name, heft_dtype_name(t.dtype), t.n_bytes);
 */
#ifndef HEFT_TENSOR_H
#define HEFT_TENSOR_H

#include "heft/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEFT_MAX_RANK 32
#define HEFT_MAX_NAME 4096 /* bytes of a name, without the NUL that ends it here */

/*
 * The numbers are those of spec/ids.md; they stand in files and never change. A file may hold a
 * number that is not here: such a tensor is listed, hashed and copied, never converted.
 */
enum heft_dtype {
	HEFT_DTYPE_NONE = 0,
	HEFT_DTYPE_BOOL = 0x01,
	HEFT_DTYPE_U8 = 0x02,
	HEFT_DTYPE_I8 = 0x03,
	HEFT_DTYPE_U16 = 0x04,
	HEFT_DTYPE_I16 = 0x05,
	HEFT_DTYPE_U32 = 0x06,
	HEFT_DTYPE_I32 = 0x07,
	HEFT_DTYPE_U64 = 0x08,
	HEFT_DTYPE_I64 = 0x09,
	HEFT_DTYPE_F16 = 0x10,
	HEFT_DTYPE_BF16 = 0x11,
	HEFT_DTYPE_F32 = 0x12,
	HEFT_DTYPE_F64 = 0x13,
	HEFT_DTYPE_C64 = 0x18,
	HEFT_DTYPE_C128 = 0x19,
	HEFT_DTYPE_F8_E4M3 = 0x20,
	HEFT_DTYPE_F8_E5M2 = 0x21,
	HEFT_DTYPE_F8_E4M3FNUZ = 0x22,
	HEFT_DTYPE_F8_E5M2FNUZ = 0x23,
	HEFT_DTYPE_F8_E8M0 = 0x24,
	HEFT_DTYPE_F6_E2M3 = 0x28,
	HEFT_DTYPE_F6_E3M2 = 0x29,
	HEFT_DTYPE_F4 = 0x2A,
	HEFT_DTYPE_U4 = 0x30,
	HEFT_DTYPE_I4 = 0x31,
	HEFT_DTYPE_U2 = 0x32,
	HEFT_DTYPE_I2 = 0x33,
	/* Elements of any size, listed and copied, never cast; heft_dtype_describe has none of
	 * them. */
	HEFT_DTYPE_STR = 0x40,
	HEFT_DTYPE_UCS4 = 0x41,
	HEFT_DTYPE_VOID = 0x42,
	HEFT_DTYPE_GGML = 0x100 /* + ggml's number of a block type */
};

/* What a tensor is for. Names are unique within a space. */
enum heft_space {
	HEFT_SPACE_WEIGHTS = 0,
	HEFT_SPACE_OPTIMIZER = 1,
	HEFT_SPACE_STATE = 2
};

/* What a tensor does in its model, told by the file's graph or else by its name. */
enum heft_role {
	HEFT_ROLE_UNKNOWN = 0,
	HEFT_ROLE_WEIGHT,
	HEFT_ROLE_BIAS,
	HEFT_ROLE_NORM, /* scale or shift of a normalisation */
	HEFT_ROLE_EMBEDDING,
	/* kept with the weights and not trained: running means, position ids */
	HEFT_ROLE_BUFFER
};

/* One tensor's description. Filled by the library; `name` is borrowed from the file it came
 * from. */
struct heft_tensor {
	const char *name; /* UTF-8, ends with NUL */
	enum heft_dtype dtype;
	enum heft_space space;
	enum heft_role role;
	uint32_t rank;
	uint32_t index; /* its place in the source's order */
	uint32_t tie;   /* index of the first tensor of its tie group; its own if it is not tied */
	uint32_t alignment; /* of the bytes that heft_map gives; 1 when nothing is promised */
	uint64_t n_elements;
	uint64_t n_bytes;
	uint64_t dims[HEFT_MAX_RANK]; /* outermost first */
	uint64_t reserved[4];
};

/* How elements become bytes: `n_elements` of them fill `n_bytes`, and no fewer fill whole bytes. */
struct heft_dtype_info {
	const char *name;
	uint32_t n_elements;
	uint32_t n_bytes;
	bool is_float; /* a real floating type: F64 to F4; not complex, not a block type */
	bool is_integer;
	bool is_complex;
	bool is_block; /* quantised in blocks; heft keeps the blocks as they are */
};

/**
 * Describe a dtype.
 *
 * Owns:    nothing; the description is static.
 * Units:   n_bytes in bytes.
 * Errors:  NULL when the number is not a dtype that this version knows.
 * Threads: any.
 */
HEFT_API const struct heft_dtype_info *heft_dtype_describe(enum heft_dtype dtype);

/**
 * Name a dtype, as in "F32".
 *
 * Owns:    nothing; the text is static.
 * Units:   none.
 * Errors:  none; "?" for an unknown one.
 * Threads: any.
 */
HEFT_API const char *heft_dtype_name(enum heft_dtype dtype);

/**
 * Find a dtype by its name; case is ignored.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  HEFT_DTYPE_NONE when there is none of that name.
 * Threads: any.
 */
HEFT_API enum heft_dtype heft_dtype_from_name(const char *name);

/**
 * Tell how many bytes a tensor of this dtype and shape fills. The product of the dimensions that
 * are not zero must be below 2^63 elements, and the bytes below 2^63.
 *
 * Owns:    nothing; either result may be NULL.
 * Units:   elements and bytes.
 * Errors:  HEFT_E_USAGE (rank, unknown dtype, elements that do not fill whole blocks),
 *          HEFT_E_LIMIT (too large).
 * Threads: any.
 */
HEFT_API enum heft_status heft_tensor_size(enum heft_dtype dtype, uint32_t rank,
                                           const uint64_t *dims, uint64_t *n_elements,
                                           uint64_t *n_bytes, struct heft_error *err);

/**
 * Name a space, as in "weights".
 *
 * Owns:    nothing; the text is static.
 * Units:   none.
 * Errors:  none; "?" for an unknown one.
 * Threads: any.
 */
HEFT_API const char *heft_space_name(enum heft_space space);

/**
 * Name a role, as in "bias".
 *
 * Owns:    nothing; the text is static.
 * Units:   none.
 * Errors:  none; "" when it is not known.
 * Threads: any.
 */
HEFT_API const char *heft_role_name(enum heft_role role);

/**
 * Convert elements from one real dtype to another: BOOL, every integer and every floating type, but
 * not the complex and block types. No pair rounds twice, and the host's floating-point modes change
 * nothing.
 *
 * To a floating type: to the nearest value, ties to even; -0 stays -0, and becomes 0 in the FNUZ
 * types. Too large values and infinity become infinity, or the largest finite number in types
 * without infinity and in F8_E5M2 (ONNX Cast, saturate = 1). A NaN becomes a quiet NaN of the same
 * sign with the first bits of its payload, as far as the type has them; in F6 and F4, which have no
 * NaN, it becomes the largest number (as in ONNX).
 *
 * To F8_E8M0: to the nearest power of two, ties up (ONNX round_mode "nearest"); zero and negative
 * values become the smallest, 2^-127, too large ones the largest, 2^127, NaN stays NaN.
 *
 * To an integer: truncated towards zero and clamped to the type's range, wider integers too; NaN
 * becomes 0. To BOOL: 0 if it is zero, else 1, NaN included. From BOOL: any byte but 0 is 1.
 *
 * To the same dtype: copied bit by bit.
 *
 * Owns:    nothing; the buffers must not overlap.
 * Units:   n in elements. Both sides start at a whole byte; the last byte's unused bits are zero.
 * Errors:  HEFT_E_UNSUPPORTED for a dtype that is not real.
 * Threads: any.
 */
HEFT_API enum heft_status heft_cast_elements(enum heft_dtype dst_dtype, void *dst,
                                             enum heft_dtype src_dtype, const void *src, size_t n,
                                             struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
