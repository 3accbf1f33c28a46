/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.c - the safetensors format (spec/foreign/safetensors.md): its dtypes and its
 * vtable. */
#include "format/safetensors.h"
#include "format/shared.h"

#include <string.h>

#include "base/bytes.h"

#define DTYPE(name) #name, sizeof #name - 1, HEFT_DTYPE_##name

/* Those first that most tensors have. */
static const struct {
	const char *name;
	size_t name_size;
	enum heft_dtype dtype;
} dtypes[] = {
	{ DTYPE(F32) },         { DTYPE(BF16) },        { DTYPE(F16) },     { DTYPE(I64) },
	{ DTYPE(U8) },          { DTYPE(I8) },          { DTYPE(F8_E4M3) }, { DTYPE(F64) },
	{ DTYPE(I32) },         { DTYPE(BOOL) },        { DTYPE(U16) },     { DTYPE(I16) },
	{ DTYPE(U32) },         { DTYPE(U64) },         { DTYPE(C64) },     { DTYPE(F8_E5M2) },
	{ DTYPE(F8_E8M0) },     { DTYPE(F4) },          { DTYPE(F6_E2M3) }, { DTYPE(F6_E3M2) },
	{ DTYPE(F8_E4M3FNUZ) }, { DTYPE(F8_E5M2FNUZ) },
};

enum heft_dtype heft_safetensors_dtype(const char *name, size_t name_size)
{
	for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
		if (dtypes[i].name_size == name_size &&
		    memcmp(dtypes[i].name, name, name_size) == 0)
			return dtypes[i].dtype;
	}
	return HEFT_DTYPE_NONE;
}

bool heft_safetensors_holds(enum heft_dtype dtype)
{
	for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
		if (dtypes[i].dtype == dtype)
			return true;
	}
	return false;
}

/* The format has no magic: a header that begins as one, behind a size below the cap, whose upper
 * bytes are therefore zero. A file that was cut short is still told by that. A size past the cap
 * says little, but enough to tell the person what is wrong. */
static unsigned probe(const uint8_t *head, size_t n, uint64_t file_size)
{
	uint64_t size;

	(void)file_size;
	if (n < HEFT_SAFETENSORS_PREFIX + 1 || head[HEFT_SAFETENSORS_PREFIX] != '{')
		return 0;
	size = heft_get_le64(head);
	if (size > HEFT_SAFETENSORS_MAX_HEADER)
		return size >> 48 == 0 ? 16 : 0;
	return size > 1 ? 45 : 0;
}

const struct heft_format heft_format_safetensors = {
	.name = "safetensors",
	.ext = ".safetensors",
	.caps = HEFT_FORMAT_READ | HEFT_FORMAT_WRITE | HEFT_FORMAT_STREAM,
	.head_size = HEFT_SAFETENSORS_PREFIX + 1,
	.probe = probe,
	.open = heft_safetensors_open,
	.close = heft_safetensors_close,
	.n_tensors = heft_safetensors_n_tensors,
	.tensor_at = heft_safetensors_tensor_at,
	.find = heft_safetensors_find,
	.read = heft_safetensors_read,
	.locate = heft_safetensors_locate,
	.metadata = heft_safetensors_metadata,
	.origin = heft_safetensors_origin,
	.check = heft_safetensors_check,
	.begin = heft_safetensors_begin,
	.scratch_size = heft_format_no_scratch,
	.encode = heft_format_encode_raw,
	.place = heft_safetensors_place,
	.store = heft_safetensors_store,
	.finish = heft_safetensors_finish,
	.writer_free = heft_safetensors_writer_free,
};
