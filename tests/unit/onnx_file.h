/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_file.h - ONNX models in a folder of the test's own, and what is in them. */
#ifndef HEFT_TEST_ONNX_FILE_H
#define HEFT_TEST_ONNX_FILE_H

#include <fcntl.h>

#include "heft/file.h"
#include "onnx_made.h"
#include "scratch.h"

static inline void onnx_write(struct scratch *s, const char *name, struct heft_buffer *graph)
{
	struct heft_buffer b = made_model(graph);

	scratch_write(scratch_path(s, name), b.bytes, b.size);
	heft_buffer_done(&b);
}

static inline void onnx_add_entry(struct heft_buffer *t, const char *key, const char *value)
{
	struct heft_buffer e = made_empty();

	made_text(&e, 1, key);
	made_text(&e, 2, value);
	made_message(t, 13, &e);
}

/* U8 [4] at offset 2 of `location`. */
static inline void onnx_add_external(struct heft_buffer *graph, const char *name,
                                     const char *location)
{
	struct heft_buffer t = made_tensor(name, 2, 4, 0);

	onnx_add_entry(&t, "location", location);
	onnx_add_entry(&t, "offset", "2");
	onnx_add_entry(&t, "length", "4");
	made_uint(&t, 14, 1);
	made_message(graph, 5, &t);
}

static inline void onnx_add_tensor(struct heft_buffer *graph, const char *name, unsigned data_type,
                                   uint64_t dim, uint32_t field, const char *bytes, size_t n)
{
	struct heft_buffer t = made_tensor(name, data_type, dim, 0);

	made_bytes(&t, field, bytes, n);
	made_message(graph, 5, &t);
}

static inline struct heft_file *onnx_open(const char *path, uint32_t flags)
{
	struct heft_error err = { .code = HEFT_OK };
	const struct heft_open_options options = { .flags = flags };
	struct heft_file *file;

	ck_assert_msg(heft_open(path, &options, &file, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_str_eq(heft_format_name(file), "onnx");
	return file;
}

static inline struct heft_tensor onnx_find(struct heft_file *file, const char *name)
{
	struct heft_error err = { .code = HEFT_OK };
	struct heft_tensor t;

	ck_assert_msg(heft_find(file, name, &t, &err) == HEFT_OK, "%s", err.msg);
	return t;
}

static inline void onnx_check(struct heft_file *file, const char *name, const void *bytes, size_t n)
{
	struct heft_error err = { .code = HEFT_OK };
	const struct heft_tensor t = onnx_find(file, name);
	uint8_t got[64];

	ck_assert_uint_eq(t.n_bytes, n);
	ck_assert_msg(heft_read(file, &t, 0, got, n, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_mem_eq(got, bytes, n);
}

static inline enum heft_status onnx_map(struct heft_file *file, const char *name,
                                        const void **bytes)
{
	struct heft_error err = { .code = HEFT_OK };
	const struct heft_tensor t = onnx_find(file, name);
	const enum heft_status st = heft_map(file, &t, bytes, &err);

	if (st == HEFT_OK)
		ck_assert_uint_eq((uintptr_t)*bytes % t.alignment, 0);
	return st;
}

static inline unsigned onnx_n_open(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#endif
