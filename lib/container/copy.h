/* SPDX-License-Identifier: Apache-2.0 */
/* container/copy.h - writes what one generation of a heft file holds as a fresh, compact file. */
#ifndef CONTAINER_COPY_H
#define CONTAINER_COPY_H

#include "container/index.h"
#include "heft/edit.h"

struct heft_copy_options {
	bool overwrite;
	bool no_sync;
	/* what cannot be read is HEFT_E_CORRUPT, so that HEFT_E_IO is the target's */
	bool is_recovery;
	struct heft_run run;
};

/* Stored chunks are copied as they are; each is decoded and compared with its leaf first, and every
 * content section is checked, so what was copied verifies as a whole. HEFT_E_CORRUPT: something in
 * the generation is not what it states. On failure nothing is left at `path` but what was there.
 * *size: of the new file. */
enum heft_status heft_copy_generation(struct heft_index *ix, const char *path,
                                      const struct heft_copy_options *options, uint64_t *size,
                                      struct heft_error *err);

#endif
