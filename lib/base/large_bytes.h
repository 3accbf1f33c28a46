/* SPDX-License-Identifier: Apache-2.0 */
/* base/large_bytes.h - bytes of which there may be too many for the heap: those lie in a mapped
 * temporary file. */
#ifndef BASE_LARGE_BYTES_H
#define BASE_LARGE_BYTES_H

#include "base/scratch.h"

struct heft_large_bytes {
	uint8_t *bytes; /* NULL: none */
	uint64_t size;
	struct heft_scratch *scratch; /* which they lie in; NULL: on the heap */
};

/* Room for n bytes, at least 1; what is in them is not said. `folder` as of heft_scratch_new; where
 * it has no room they lie on the heap. On failure there are none. */
enum heft_status heft_large_bytes_init(struct heft_large_bytes *b, uint64_t n, const char *folder,
                                       struct heft_error *err);
void heft_large_bytes_done(struct heft_large_bytes *b); /* all zero, or after init */

#endif
