/* SPDX-License-Identifier: Apache-2.0 */
/* weights/transposed.h - matrices of an open file that a conversion takes transposed. Their bytes
 * are brought into a scratch file once, and any thread gathers from there. */
#ifndef WEIGHTS_TRANSPOSED_H
#define WEIGHTS_TRANSPOSED_H

#include "base/meter.h"
#include "base/scratch.h"
#include "base/sink.h"
#include "tensor/strided.h"
#include "weights/file.h"

struct heft_transposed_item {
	uint8_t *bytes; /* mapped, of the scratch; NULL: none */
	uint64_t n_bytes;
	struct heft_strided view;
};

struct heft_transposed {
	struct heft_transposed_item *items; /* one for each of the writer's tensors */
	uint32_t n;
	struct heft_scratch *scratch;
};

/* All zero before; done also after a failure. */
enum heft_status heft_transposed_init(struct heft_transposed *t, uint32_t n,
                                      struct heft_error *err);
void heft_transposed_done(struct heft_transposed *t);

/* Brings tensor `source` of the file, a matrix of whole-byte elements, into the scratch in dtype
 * `to`, as tensor i of the writer. The scratch file lies beside the sink's. */
enum heft_status heft_transposed_add(struct heft_transposed *t, uint32_t i, struct heft_file *file,
                                     uint32_t source, uint16_t to, const struct heft_sink *sink,
                                     struct heft_meter *meter, struct heft_error *err);

/* Bytes [off, off + n) of the transposed matrix. */
void heft_transposed_read(const struct heft_transposed *t, uint32_t i, uint64_t off, void *dst,
                          size_t n);

#endif
