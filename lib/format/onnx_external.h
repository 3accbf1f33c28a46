/* SPDX-License-Identifier: Apache-2.0 */
/* format/onnx_external.h - the files beside an ONNX model that hold weights of it
 * (spec/foreign/onnx.md, O3-4 and O3-5). */
#ifndef FORMAT_ONNX_EXTERNAL_H
#define FORMAT_ONNX_EXTERNAL_H

#include "format/format.h"
#include "onnx/model.h"

struct heft_onnx_files;

/* Opens every file that `model` names, beneath the folder of `path`, and checks what lies where.
 * Any number of files may be named: the first few stay open, others are opened when they are read.
 * The model is borrowed. */
enum heft_status heft_onnx_files_open(const char *path, const struct heft_onnx_model *model,
                                      bool may_map, struct heft_onnx_files **out,
                                      struct heft_error *err);
void heft_onnx_files_close(struct heft_onnx_files *f); /* takes NULL */
/* The i-th file, from 0; NULL past the last one. */
const char *heft_onnx_files_at(const struct heft_onnx_files *f, uint32_t i, uint64_t *size);
/* Bytes [off, off + n) of a weight whose external is this one; the range was checked. */
enum heft_status heft_onnx_files_read(struct heft_onnx_files *f, uint32_t external_i, uint64_t off,
                                      void *dst, size_t n, struct heft_error *err);
/* UNSUPPORTED for a file that does not stay open. */
enum heft_status heft_onnx_files_locate(struct heft_onnx_files *f, uint32_t external_i,
                                        struct heft_place *place, struct heft_error *err);
/* Compares the checksums that are stated. */
enum heft_status heft_onnx_files_check(struct heft_onnx_files *f, const struct heft_run *run,
                                       struct heft_error *err);

#endif
