/* SPDX-License-Identifier: Apache-2.0 */
/* weights/restore_pieces.h - the bytes of a recipe's pieces: literals, parts of tensors, and whole
 * tensors in another order than the logical one. */
#ifndef WEIGHTS_RESTORE_PIECES_H
#define WEIGHTS_RESTORE_PIECES_H

#include "base/scratch.h"
#include "weights/chunk_source.h"
#include "weights/restore_recipe.h"

/* What one thread needs. */
struct heft_piece_reader {
	struct heft_file *file;
	struct heft_chunk_source *source;
	uint8_t *chunk;
	struct heft_scratch *scratch; /* of all readers; borrowed; NULL: no piece needs one */
};

enum heft_status heft_piece_reader_init(struct heft_piece_reader *r, struct heft_file *file,
                                        struct heft_error *err);
void heft_piece_reader_done(struct heft_piece_reader *r);
/* Whether some piece is column-major: it is put in its order in a scratch file first. */
bool heft_pieces_need_scratch(const struct heft_restore_file *f);
/* Makes the column-major pieces of a file ready, and gives their place back. */
enum heft_status heft_pieces_reorder(struct heft_piece_reader *r, struct heft_restore_file *f,
                                     struct heft_error *err);
void heft_pieces_drop(struct heft_piece_reader *r, const struct heft_restore_file *f);
/* n bytes of piece k from its byte `at` on, a multiple of its unit as chunks begin there. */
enum heft_status heft_piece_read(struct heft_piece_reader *r, const struct heft_restore_file *f,
                                 uint32_t k, uint64_t at, size_t n, uint8_t *dst,
                                 struct heft_error *err);

#endif
