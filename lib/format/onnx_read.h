/* SPDX-License-Identifier: Apache-2.0 */
/* format/onnx_read.h - the reader of the ONNX format, for its table. */
#ifndef FORMAT_ONNX_READ_H
#define FORMAT_ONNX_READ_H

#include "format/format.h"

enum heft_status heft_onnx_open(struct heft_source *src, const char *path,
                                const struct heft_open_options *options, void **st,
                                struct heft_error *err);
void heft_onnx_close(void *st);
uint32_t heft_onnx_n_tensors(const void *st);
enum heft_status heft_onnx_tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                     struct heft_error *err);
enum heft_status heft_onnx_find(void *st, uint8_t space, const char *name, uint32_t *i,
                                struct heft_error *err);
enum heft_status heft_onnx_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                struct heft_error *err);
enum heft_status heft_onnx_locate(void *st, uint32_t i, struct heft_place *place,
                                  struct heft_error *err);
enum heft_status heft_onnx_read_metadata(void *st, const char **json, struct heft_error *err);
enum heft_status heft_onnx_check_data(void *st, const struct heft_run *run, struct heft_error *err);
const char *heft_onnx_file_at(const void *st, uint32_t i, uint64_t *size);
enum heft_status heft_onnx_read_graph(void *st, const uint8_t **bytes, uint64_t *size,
                                      struct heft_error *err);

#endif
