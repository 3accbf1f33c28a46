/* SPDX-License-Identifier: Apache-2.0 */
/* tensor_words.c - a tensor's properties in words. */
#include "tensor_words.h"

#include <inttypes.h>

void tensor_words_dtype(struct output *out, enum heft_dtype dtype)
{
	const char *name = heft_dtype_name(dtype);

	if (name[0] != '?')
		output_text(out, name);
	else
		output_format(out, "0x%04X", (unsigned)dtype);
}

void tensor_words_space(struct output *out, enum heft_space space)
{
	if (space <= HEFT_SPACE_STATE)
		output_text(out, heft_space_name(space));
	else
		output_format(out, "%u", (unsigned)space);
}

void tensor_words_shape(struct output *out, const struct heft_tensor *tensor)
{
	output_char(out, '[');
	for (uint32_t i = 0; i < tensor->rank; i++)
		output_format(out, i > 0 ? ", %" PRIu64 : "%" PRIu64, tensor->dims[i]);
	output_char(out, ']');
}
