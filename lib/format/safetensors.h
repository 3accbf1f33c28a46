/* SPDX-License-Identifier: Apache-2.0 */
/* format/safetensors.h - what the reader and the writer of safetensors share. */
#ifndef FORMAT_SAFETENSORS_H
#define FORMAT_SAFETENSORS_H

#include "format/format.h"

#define HEFT_SAFETENSORS_PREFIX 8u /* bytes before the header: its size */
#define HEFT_SAFETENSORS_MAX_HEADER UINT32_C(100000000)
#define HEFT_SAFETENSORS_METADATA "__metadata__" /* the key that names no tensor */

/* HEFT_DTYPE_NONE when the format has no such dtype; case counts. */
enum heft_dtype heft_safetensors_dtype(const char *name, size_t name_size);
bool heft_safetensors_holds(enum heft_dtype dtype);

/* safetensors_read.c */
enum heft_status heft_safetensors_open(struct heft_source *src, const char *path,
                                       const struct heft_open_options *options, void **st,
                                       struct heft_error *err);
void heft_safetensors_close(void *st);
uint32_t heft_safetensors_n_tensors(const void *st);
enum heft_status heft_safetensors_tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                            struct heft_error *err);
enum heft_status heft_safetensors_find(void *st, uint8_t space, const char *name, uint32_t *i,
                                       struct heft_error *err);
enum heft_status heft_safetensors_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                       struct heft_error *err);
enum heft_status heft_safetensors_locate(void *st, uint32_t i, struct heft_place *place,
                                         struct heft_error *err);
enum heft_status heft_safetensors_metadata(void *st, const char **json, struct heft_error *err);
enum heft_status heft_safetensors_origin(void *st, const char *path, struct heft_origin *o,
                                         struct heft_error *err);

/* safetensors_header.c: the text between the prefix and the data */
struct heft_safetensors_header {
	struct heft_listing *tensors; /* data_off is a file offset */
	char *metadata;               /* NULL: none */
};
/* `text` is the header, which lies in the file behind the prefix. On failure `out` is untouched. */
enum heft_status heft_safetensors_parse(const char *text, size_t size, uint64_t file_size,
                                        const struct heft_limits *limits,
                                        struct heft_safetensors_header *out,
                                        struct heft_error *err);

/* A tensor's bytes in the file. */
struct heft_safetensors_span {
	uint64_t begin;
	uint64_t end;
	uint32_t tensor_i;
	uint32_t at; /* where the header states it */
};
/* Sorts by (begin, end): n log n, without memory of its own. */
void heft_safetensors_sort_spans(struct heft_safetensors_span *spans, size_t n);

/* safetensors_write.c */
enum heft_status heft_safetensors_check(const struct heft_write_plan *plan, struct heft_error *err);
enum heft_status heft_safetensors_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                        uint32_t *order, void **w, struct heft_error *err);
enum heft_status heft_safetensors_place(void *w, struct heft_piece *p, struct heft_error *err);
enum heft_status heft_safetensors_store(void *w, const struct heft_piece *p,
                                        struct heft_error *err);
enum heft_status heft_safetensors_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                         struct heft_error *err);
void heft_safetensors_writer_free(void *w);

#endif
