/* SPDX-License-Identifier: Apache-2.0 */
/* format/onnx.h - the parts of the ONNX format's table that are not in onnx.c: the writer. */
#ifndef FORMAT_ONNX_H
#define FORMAT_ONNX_H

#include "format/format.h"

/* --- the writer --- */

enum heft_status heft_onnx_check(const struct heft_write_plan *plan, struct heft_error *err);
enum heft_status heft_onnx_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                 uint32_t *order, void **w, struct heft_error *err);
size_t heft_onnx_scratch_size(const void *w);
enum heft_status heft_onnx_encode(void *w, struct heft_piece *p, struct heft_coder *coder,
                                  uint8_t *scratch, struct heft_error *err);
enum heft_status heft_onnx_place(void *w, struct heft_piece *p, struct heft_error *err);
enum heft_status heft_onnx_store(void *w, const struct heft_piece *p, struct heft_error *err);
enum heft_status heft_onnx_read_back(void *w, uint32_t tensor_i, uint64_t off, void *dst, size_t n,
                                     struct heft_error *err);
enum heft_status heft_onnx_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                  struct heft_error *err);
void heft_onnx_writer_free(void *w);

#endif
