/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/write.h - write a new file of weights, in any format that can be written.
 *
 * Declare every tensor, then put their bytes in the declared order, then commit. The file appears
 * whole under its name or not at all; until heft_commit it is a temporary beside the target.
 *
 *	struct heft_tensor t = { .name = "w", .dtype = HEFT_DTYPE_F32, .rank = 2, .dims = { 2, 3 }
 *	};
 *	struct heft_writer *w;
 *
 *	if (heft_create("out.heft", "heft", NULL, &w, &err) != HEFT_OK)
 *		...
 *	heft_declare(w, &t, &err);
 *	heft_put(w, 0, values, sizeof values, &err);
 *	heft_commit(w, digest, &err);		(frees w)
 *
 * Functions return a status each; after the first failure the writer only takes heft_discard.
 */
#ifndef HEFT_WRITE_H
#define HEFT_WRITE_H

#include "heft/file.h"

#ifdef __cplusplus
extern "C" {
#endif

struct heft_writer;

enum heft_compress {
	HEFT_COMPRESS_NONE = 0, /* raw: mapped without a copy */
	HEFT_COMPRESS_FAST = 1,
	HEFT_COMPRESS_BEST = 2
};

struct heft_write_options {
	enum heft_compress compress; /* formats without codecs refuse all but NONE */
	/* of raw tensors in a heft file: a power of two, 64 (0) to 2 MiB */
	uint32_t alignment;
	bool overwrite; /* replace an existing file; else HEFT_E_USAGE */
	/* skip fsync: a crash of the machine may then lose the new file */
	bool no_sync;
	/* ONNX: the bytes of the tensors go into a file beside, PATH.data; always so where they
	 * are more than a model of its own may hold, 2 GB */
	bool external_data;
	bool reserved8;
	uint32_t reserved32;
	uint64_t reserved[8];
};

/**
 * Begin a new file. `path` "-" is standard output, for formats that can stream.
 *
 * Owns:    the caller owns *writer and gives it to heft_commit or heft_discard.
 * Units:   none. `options` may be NULL.
 * Errors:  HEFT_E_USAGE (unknown format, target exists, option that the format lacks), HEFT_E_IO,
 *          HEFT_E_BUSY (a heft file is locked while it is replaced), HEFT_E_NOMEM. On failure
 *          *writer is untouched.
 * Threads: any; one writer belongs to one thread at a time.
 */
HEFT_API enum heft_status heft_create(const char *path, const char *format,
                                      const struct heft_write_options *options,
                                      struct heft_writer **writer, struct heft_error *err);

/**
 * Declare the next tensor. Only name, dtype, space, rank and dims are looked at. For a dtype that
 * the library does not know, n_bytes and alignment (its unit in bytes) are looked at as well.
 *
 * Owns:    nothing; the description is copied.
 * Units:   see struct heft_tensor.
 * Errors:  HEFT_E_USAGE (after the first heft_put; a name twice in a space; a name, shape or dtype
 *          that the format cannot hold), HEFT_E_LIMIT, HEFT_E_NOMEM.
 * Threads: see heft_create.
 */
HEFT_API enum heft_status heft_declare(struct heft_writer *writer, const struct heft_tensor *tensor,
                                       struct heft_error *err);

/**
 * Declare the next tensor as the same parameter as tensor `i`, which was declared before and has
 * the same dtype and shape. It takes no heft_put. A format without ties stores the bytes again,
 * unless it compresses them: then it refuses.
 *
 * Owns:    nothing; the description is copied.
 * Units:   `i` counts declarations from 0.
 * Errors:  as heft_declare; HEFT_E_USAGE when dtype or shape differ, or `i` was not declared.
 * Threads: see heft_create.
 */
HEFT_API enum heft_status heft_declare_tied(struct heft_writer *writer,
                                            const struct heft_tensor *tensor, uint32_t i,
                                            struct heft_error *err);

/**
 * Set the metadata: one JSON object, checked as spec/container.md, META, says. Call before
 * heft_put.
 *
 * Owns:    nothing; the text is copied. NULL: none.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (not such an object, or the format cannot hold it), HEFT_E_LIMIT,
 *          HEFT_E_NOMEM.
 * Threads: see heft_create.
 */
HEFT_API enum heft_status heft_set_metadata(struct heft_writer *writer, const char *json,
                                            struct heft_error *err);

/**
 * Set the graph: an ONNX model without its weights, as heft_graph gives it. Every weight that it
 * names is one of the declared tensors, and in an ONNX file no other tensor may be declared. Call
 * before heft_put.
 *
 * Owns:    nothing; the bytes are copied. `size` 0: none.
 * Units:   `size` in bytes.
 * Errors:  HEFT_E_USAGE (the format has no place for a graph; told later, by heft_put or
 *          heft_commit: its weights are not the declared tensors), HEFT_E_LIMIT (more than 2^30
 *          bytes), HEFT_E_NOMEM; later also HEFT_E_CORRUPT (not such a model).
 * Threads: see heft_create.
 */
HEFT_API enum heft_status heft_set_graph(struct heft_writer *writer, const void *graph, size_t size,
                                         struct heft_error *err);

/**
 * Put the next logical bytes of tensor `i`. Tensors come in the declared order, bytes in order
 * within a tensor, in pieces of any size.
 *
 * Owns:    nothing; the bytes are used before the call returns.
 * Units:   `n` in bytes.
 * Errors:  HEFT_E_USAGE (out of order, more than declared), HEFT_E_IO (a full disk, say),
 *          HEFT_E_NOMEM.
 * Threads: see heft_create.
 */
HEFT_API enum heft_status heft_put(struct heft_writer *writer, uint32_t i, const void *bytes,
                                   size_t n, struct heft_error *err);

/**
 * Finish the file: sync it, give it its name, sync the folder.
 *
 * Owns:    takes `writer` whatever the result.
 * Units:   `weights_digest` takes 32 bytes; NULL: do not compute it (a heft file computes it
 *          anyway).
 * Errors:  HEFT_E_USAGE (bytes are missing), HEFT_E_IO, HEFT_E_NOMEM. On failure nothing stays
 *          behind and the old file, if there was one, is whole.
 * Threads: see heft_create.
 */
HEFT_API enum heft_status heft_commit(struct heft_writer *writer, uint8_t *weights_digest,
                                      struct heft_error *err);

/**
 * Give up: remove the temporary and free the writer.
 *
 * Owns:    takes `writer`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: see heft_create.
 */
HEFT_API void heft_discard(struct heft_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
