/* SPDX-License-Identifier: Apache-2.0 */
/* format/torch_emit.h - writes opcodes of a pickle, those alone that PyTorch's weights-only loader
 * reads (protocol 2). */
#ifndef FORMAT_TORCH_EMIT_H
#define FORMAT_TORCH_EMIT_H

#include "base/buffer.h"
#include "tensor/listing.h"

#define HEFT_TORCH_MEMOS 48 /* values that are written once and then taken from the memo */

struct heft_torch_emitter {
	struct heft_buffer b;
	/* what was memoised, by where its text lies: all are literals */
	const char *memo[HEFT_TORCH_MEMOS];
	uint8_t n_memo;
};

void heft_torch_emit_init(struct heft_torch_emitter *e);
void heft_torch_emit_done(struct heft_torch_emitter *e);

void heft_torch_emit(struct heft_torch_emitter *e, char opcode);
void heft_torch_emit_bool(struct heft_torch_emitter *e, bool v);
void heft_torch_emit_int(struct heft_torch_emitter *e, int64_t v);
void heft_torch_emit_real(struct heft_torch_emitter *e, double v);
/* UTF-8, which may hold surrogates. */
void heft_torch_emit_text(struct heft_torch_emitter *e, const void *text, size_t n);
void heft_torch_emit_bytes(struct heft_torch_emitter *e, const uint8_t *bytes, size_t n);
/* An integer of n bytes as LONG1; false: it has too many. */
bool heft_torch_emit_long(struct heft_torch_emitter *e, const uint8_t *bytes, size_t n);
/* A call of collections.OrderedDict without arguments. */
void heft_torch_emit_ordered_dict(struct heft_torch_emitter *e);
/* Ends what a mark began: `opcode` takes all that came since, and nothing is left of it where that
 * is nothing. `mark_at` is where the mark is in the buffer. */
size_t heft_torch_emit_mark(struct heft_torch_emitter *e);
void heft_torch_emit_to_mark(struct heft_torch_emitter *e, size_t mark_at, char opcode);
/* torch.float32, say. False: there is no dtype of that name. */
bool heft_torch_emit_dtype(struct heft_torch_emitter *e, const char *name);

/* Whether PyTorch has the dtype. */
bool heft_torch_holds(enum heft_dtype dtype);
/* A contiguous tensor of a dtype that is held, over all of the storage data/KEY. */
void heft_torch_emit_tensor(struct heft_torch_emitter *e, const struct heft_listed *row,
                            const uint64_t *dims, uint32_t key);

#endif
