/* SPDX-License-Identifier: Apache-2.0 */
/* weights/transfer.h - moves the chunks of an open file's tensors into a new file, by as many
 * threads as there are. */
#ifndef WEIGHTS_TRANSFER_H
#define WEIGHTS_TRANSFER_H

#include "weights/chunk_writer.h"
#include "weights/file.h"
#include "weights/transposed.h"

/* Where the bytes of one of the writer's tensors come from. */
enum heft_way {
	HEFT_WAY_FILE = 0, /* of `file`, as they are or cast */
	HEFT_WAY_OTHER,    /* of `other`, as they are */
	HEFT_WAY_TRANSPOSED
};

struct heft_transfer {
	struct heft_file *file;
	struct heft_writer *writer; /* begun */
	const uint32_t *source;     /* of each of the writer's tensors, its index in its file */
	const uint16_t *source_dtype;
	bool has_casts;
	/* of each of the writer's tensors, an enum heft_way; NULL: all come from `file` */
	const uint8_t *ways;
	struct heft_file *other;
	const struct heft_transposed *transposed;
	uint32_t n_threads;
	struct heft_meter *meter;
};

enum heft_status heft_transfer_run(const struct heft_transfer *t, struct heft_error *err);

#endif
