/* SPDX-License-Identifier: Apache-2.0 */
/* format/onnx.h - the two halves of the ONNX format's table: onnx_read.c and onnx_write.c. */
#ifndef FORMAT_ONNX_H
#define FORMAT_ONNX_H

#include "format/format.h"

/* --- the writer --- */

enum heft_status heft_onnx_check(const struct heft_write_plan *plan, struct heft_error *err);
enum heft_status heft_onnx_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                 uint32_t *order, void **w, struct heft_error *err);
enum heft_status heft_onnx_place(void *w, struct heft_piece *p, struct heft_error *err);
enum heft_status heft_onnx_store(void *w, const struct heft_piece *p, struct heft_error *err);
enum heft_status heft_onnx_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                  struct heft_error *err);
void heft_onnx_writer_free(void *w);

#endif
