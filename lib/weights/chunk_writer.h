/* SPDX-License-Identifier: Apache-2.0 */
/* weights/chunk_writer.h - a new file in any format, for heft_put (one thread, bytes in order) and
 * for heft_convert (many threads, groups of chunks). */
#ifndef WEIGHTS_CHUNK_WRITER_H
#define WEIGHTS_CHUNK_WRITER_H

#include "base/pool.h"
#include "format/format.h"
#include "weights/chunk_plan.h"
#include "weights/leaf_table.h"

struct heft_writer {
	const struct heft_format *format;
	struct heft_sink *sink;
	struct heft_listing *tensors;
	char *metadata;
	uint8_t *graph;              /* of heft_set_graph */
	struct heft_write_plan plan; /* points into the fields above */
	int lock_fd;                 /* of the heft file that is replaced; -1: none */
	bool has_failed;

	/* From heft_writer_begin: */
	void *w;
	/* what is stored, in the order of the file; ids are indexes of `tensors` */
	struct heft_chunk_plan chunks;
	struct heft_leaf_table table;

	/* For heft_put: */
	struct heft_write_worker *worker;
	uint32_t put_tensor;
	uint64_t put_off;   /* bytes of it that came */
	size_t put_size;    /* of those, how many wait for the rest of their chunk */
	uint32_t *position; /* of each tensor in `chunks`; UINT32_MAX: its bytes are not stored */
	/* of each tensor's first byte in the file; for formats that store a tie again */
	uint64_t *stored_off;
};

/* What one thread needs: a hasher, a coder, the pieces of a group, room for their bytes and their
 * coded bytes. */
struct heft_write_worker {
	struct heft_sha256 *sha;
	struct heft_coder *coder; /* NULL while nothing is coded */
	uint8_t *bytes;
	uint8_t *scratch;
	uint8_t *leaves;
	struct heft_piece *pieces;
	struct heft_plan_chunk *chunks;
	uint32_t n_pieces;
};

/* After every heft_declare: checks what the format cannot hold, lays the file out, cuts the
 * chunks. */
enum heft_status heft_writer_begin(struct heft_writer *w, struct heft_error *err);
enum heft_status heft_write_worker_new(struct heft_writer *w, struct heft_write_worker **out,
                                       struct heft_error *err);
void heft_write_worker_free(struct heft_write_worker *worker);
/* Takes the group that the worker's chunks, bytes and leaves describe through the three stages;
 * `turn` orders the groups (NULL: one thread). */
enum heft_status heft_writer_group(struct heft_writer *w, struct heft_write_worker *worker,
                                   uint32_t n_chunks, struct heft_turn *turn, uint64_t group_i,
                                   struct heft_error *err);
/* Tables and tail; the file still has to be committed. */
enum heft_status heft_writer_finish(struct heft_writer *w, uint8_t *weights_digest,
                                    struct heft_error *err);
/* 32 bytes a tensor; after the last group. */
enum heft_status heft_writer_tensor_digests(const struct heft_writer *w, uint8_t *digests,
                                            struct heft_error *err);
/* heft_commit without the finish. */
enum heft_status heft_writer_commit(struct heft_writer *w, struct heft_error *err);

#endif
