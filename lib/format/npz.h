/* SPDX-License-Identifier: Apache-2.0 */
/* format/npz.h - what the reader and the writer of .npz share. */
#ifndef FORMAT_NPZ_H
#define FORMAT_NPZ_H

#include "format/format.h"

/* npz_write.c */
enum heft_status heft_npz_check(const struct heft_write_plan *plan, struct heft_error *err);
enum heft_status heft_npz_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                uint32_t *order, void **w, struct heft_error *err);
size_t heft_npz_scratch_size(const void *w);
enum heft_status heft_npz_encode(void *w, struct heft_piece *p, struct heft_coder *coder,
                                 uint8_t *scratch, struct heft_error *err);
enum heft_status heft_npz_place(void *w, struct heft_piece *p, struct heft_error *err);
enum heft_status heft_npz_store(void *w, const struct heft_piece *p, struct heft_error *err);
enum heft_status heft_npz_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                 struct heft_error *err);
void heft_npz_writer_free(void *w);

#endif
