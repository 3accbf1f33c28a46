/* SPDX-License-Identifier: Apache-2.0 */
/* container/writer_state.h - what writer.c, which places the chunks, and writer_tables.c, which
 * writes what follows them, share. */
#ifndef CONTAINER_WRITER_STATE_H
#define CONTAINER_WRITER_STATE_H

#include "codec/sha256.h"
#include "container/generation.h"
#include "container/writer.h"
#include "tensor/dtype.h"

/* A tensor of the plan; of those that share a run, the first in the plan's order holds the run. */
struct heft_written {
	uint64_t place;        /* raw: offset in the file; coded: first of `extents` */
	uint64_t first_leaf;   /* row of LEAVES; UINT64_MAX until the run has one */
	uint64_t first_extent; /* row of EXTENTS */
	uint8_t root[HEFT_SHA256_SIZE];
	uint32_t row; /* of TENSORS */
	uint32_t tie_row;
	bool is_coded;
};

struct heft_container_writer {
	const struct heft_write_plan *plan;
	const struct heft_listing *tensors;
	struct heft_sink *sink;
	uint32_t n;
	uint8_t log2_alignment;
	bool has_coded;
	struct heft_written *written;
	struct heft_extent *extents; /* of coded runs, in the plan's order */
	uint64_t n_chunks;           /* that will come */
	uint64_t n_placed;
	uint64_t end; /* of what is placed */
	/* of finish */
	uint32_t *sorted; /* the plan's tensors in the order of TENSORS */
	struct heft_sha256 *h;
	struct heft_sha256 *table_h; /* of the table that is being written, while h makes roots */
	struct heft_coder *coder;
	struct heft_directory directory;
};

static inline uint64_t heft_listed_n_chunks(const struct heft_listed *row)
{
	return row->n_bytes == 0 ? 0 : heft_n_chunks(row->n_bytes, row->unit);
}

/* Rows, ties and roots: what the tables say. Then the sections, the directory and page 0. */
enum heft_status heft_container_finish_file(struct heft_container_writer *w, const uint8_t *leaves,
                                            const uint64_t *first_leaf, struct heft_error *err);

#endif
