/* SPDX-License-Identifier: Apache-2.0 */
/* container/writer.h - writes a new, compact heft file through a sink. */
#ifndef CONTAINER_WRITER_H
#define CONTAINER_WRITER_H

#include "base/sink.h"
#include "container/write_plan.h"

struct heft_container_writer;

/* The plan and the sink must outlive the writer. The sink must not be a stream: slot pages come
 * last. */
enum heft_status heft_container_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                      struct heft_container_writer **out, struct heft_error *err);
/* `scratch` has room for heft_container_scratch_size() bytes and stays untouched until the piece is
 * stored. */
size_t heft_container_scratch_size(const struct heft_container_writer *w);
enum heft_status heft_container_encode(struct heft_container_writer *w, struct heft_piece *p,
                                       struct heft_coder *coder, uint8_t *scratch,
                                       struct heft_error *err);
/* In ascending (position of the tensor in the plan, chunk). Also takes pieces whose stored,
 * stored_size, codec and crc were filled from another heft file instead of by encode. */
enum heft_status heft_container_place(struct heft_container_writer *w, struct heft_piece *p,
                                      struct heft_error *err);
enum heft_status heft_container_store(struct heft_container_writer *w, const struct heft_piece *p,
                                      struct heft_error *err);
/* Writes tables, sections, directory and page 0, after every piece. `leaves` holds 32 bytes a
 * chunk: those of tensor i begin at row first_leaf[i] (the entries of empty tensors and of those
 * whose `share` is another one are not looked at). The sink is left for the caller to commit. */
enum heft_status heft_container_finish(struct heft_container_writer *w, const uint8_t *leaves,
                                       const uint64_t *first_leaf, struct heft_error *err);
void heft_container_writer_free(struct heft_container_writer *w); /* at any time */

#endif
