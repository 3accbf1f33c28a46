/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_bits.h - the bits that rows gave when they were written down, in op_rows/<group>.bits: so
 * every compiler, level of optimisation and kind of processor is held to the same ones.
 *
 *	BITS=write ROWS=tests/unit/op_rows test_graph_ops      writes them anew
 *
 * A line is two numbers: the hash of the row's text, and that of what it gives.
 */
#ifndef HEFT_TEST_OP_BITS_H
#define HEFT_TEST_OP_BITS_H

#include <inttypes.h>

#include "base/siphash.h"
#include "op_run.h"

static inline uint64_t bits_hash(uint64_t before, const void *bytes, size_t n)
{
	static const struct heft_sip_seed seed = { { 1, 2 } };

	return heft_siphash(&seed, before, bytes, n);
}

/* Of all outputs that are wanted: dtype, shape, and bytes, any NaN as one. */
static inline uint64_t bits_of(const struct op_row *row, const struct op_result *result)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < row->n_out; i++) {
		const struct heft_array *a = &result->out[i];
		const uint32_t dtype = a->dtype;
		const bool is_float = a->dtype != HEFT_DTYPE_NONE &&
		                      heft_dtype_describe(a->dtype)->is_float &&
		                      heft_dtype_describe(a->dtype)->n_elements == 1;

		hash = bits_hash(hash, &dtype, sizeof dtype);
		if (!a->bytes)
			continue;
		hash = bits_hash(hash, a->dims, a->rank * sizeof *a->dims);
		for (uint64_t k = 0; k < a->n_elements && is_float; k++) {
			const size_t size = a->n_bytes / a->n_elements;

			if (isnan(op_element(a, k)))
				hash = bits_hash(hash, "NaN", 3);
			else
				hash = bits_hash(hash, (const uint8_t *)a->bytes + k * size, size);
		}
		if (!is_float)
			hash = bits_hash(hash, a->bytes, a->n_bytes);
	}
	return hash;
}

/* "conv.txt" of a folder is "folder/conv.bits". */
static inline FILE *bits_file(const char *folder, const char *place, const char *mode)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%.*s.bits", folder, (int)strcspn(place, "."), place);
	return fopen(path, mode);
}

/* False: none are written down for a row of this text. */
static inline bool bits_find(const char *folder, const char *place, const char *text,
                             uint64_t *bits)
{
	const uint64_t wanted = bits_hash(0, text, strlen(text));
	FILE *f = bits_file(folder, place, "r");
	bool is_found = false;
	uint64_t key;

	while (f && !is_found && fscanf(f, "%" SCNx64 " %" SCNx64, &key, bits) == 2)
		is_found = key == wanted;
	if (f)
		fclose(f);
	return is_found;
}

#endif
