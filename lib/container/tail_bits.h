/* SPDX-License-Identifier: Apache-2.0 */
/* container/tail_bits.h - the bits of a tensor's last byte that hold no element (spec R4.1-14). */
#ifndef CONTAINER_TAIL_BITS_H
#define CONTAINER_TAIL_BITS_H

#include "heft/tensor.h"

/* Whether they are 0 in `last`, the last byte of a tensor that is not empty. */
static inline bool heft_tail_bits_ok(uint16_t dtype, uint64_t n_elements, uint8_t last)
{
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)dtype);
	uint32_t n_used;

	if (!info || info->is_block || info->n_elements == 1)
		return true;
	n_used = (uint32_t)(n_elements % info->n_elements) * info->n_bytes * 8 / info->n_elements %
	         8;
	return n_used == 0 || last >> n_used == 0;
}

#endif
