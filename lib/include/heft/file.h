/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/file.h - open a file of weights, whatever its format, and read what is in it.
 *
 * Opening reads the description and not the data: names, shapes, metadata. A tensor's bytes come by
 * heft_read, or by heft_map without a copy.
 *
 *	struct heft_open_options options = { .flags = HEFT_OPEN_VERIFY };
 *	struct heft_tensor t;
 *	struct heft_file *file;
 *
 *	if (heft_open("model.heft", &options, &file, &err) != HEFT_OK)
 *		...
 *	for (uint32_t i = 0; i < heft_n_tensors(file); i++)
 *		if (heft_tensor_at(file, i, &t, &err) == HEFT_OK)
 *			puts(t.name);
 *	heft_close(file);
 *
 * One file may be read from many threads at once. Options are valid when zeroed.
 */
#ifndef HEFT_FILE_H
#define HEFT_FILE_H

#include "heft/progress.h"
#include "heft/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEFT_DIGEST_SIZE 32

struct heft_file;

enum heft_open_flags {
	/* Check every chunk of a heft file against its digest as it is read or mapped. */
	HEFT_OPEN_VERIFY = 1 << 0,
	/* Do not hash and check the tables of a heft file first; each access checks its own row.
	 * For files that this program wrote or verified before: half a millisecond for any number
	 * of tensors. */
	HEFT_OPEN_TRUST_INDEX = 1 << 1,
	/* The generation before the current one of a heft file. */
	HEFT_OPEN_PREVIOUS = 1 << 2,
	/* Never map the file: for storage that somebody else may cut short. heft_map is then
	 * UNSUPPORTED. */
	HEFT_OPEN_PREAD = 1 << 3
};

/* How much a file may ask for; 0 is the default that stands beside it. */
struct heft_limits {
	uint64_t max_tensors;       /* 2^31 - 1 */
	uint64_t max_name_size;     /* 4,096 bytes */
	uint64_t max_metadata_size; /* 256 MiB */
	uint64_t max_logical_bytes; /* 2^63 - 1: of all tensors together, against expansion */
};

/* What a dtype of a file is to be taken for where the file does not say it. */
struct heft_assume {
	const char *foreign; /* as the file spells it, without a byte order: "V2" of NumPy */
	enum heft_dtype dtype;
};

struct heft_open_options {
	uint32_t flags;     /* enum heft_open_flags */
	const char *format; /* open as this format; NULL: whichever recognises the file */
	struct heft_limits limits;
	/* Fail with HEFT_E_CORRUPT unless the file's weights digest, or a heft file's artifact
	 * digest, is this one (32 bytes each, NULL: do not care). A heft file is then read as with
	 * HEFT_OPEN_VERIFY; any other one is hashed whole, once, while it is opened. */
	const uint8_t *expect_weights_digest;
	const uint8_t *expect_artifact_digest;
	/* For that hashing. With n_threads 1 no thread is started at all; otherwise a heft
	 * file whose tables have a mebibyte or more is opened by two. */
	struct heft_run run;
	const struct heft_assume *assumes; /* the first that fits counts */
	uint32_t n_assumes;
	uint32_t reserved32;
	/* A folder for unnamed temporary files, which compressed arrays in column-major order
	 * need; NULL: the system's. */
	const char *scratch_folder;
	uint64_t reserved[5];
};

/* How a heft file lies on disk; every other format is always clean. */
struct heft_file_state {
	uint32_t generation;   /* 1 for a fresh file; 0 for another format */
	bool has_bad_page;     /* one of the two slot pages is neither zero nor valid */
	bool has_previous;     /* a generation before this one is named by the other page */
	uint64_t n_tail_bytes; /* behind the committed end: an update that did not finish */
	uint64_t n_dead_bytes; /* inside, belonging to no live piece; compaction frees them */
};

/**
 * Open a file of weights. The format is told by its content; nothing is written, ever. A folder
 * stands for the index of a set of shards in it, else for the only file in it that goes by the
 * extension of a format. A set keeps all its files open.
 *
 * Owns:    the caller owns *file and gives it back to heft_close.
 * Units:   none. `options` may be NULL.
 * Errors:  HEFT_E_NOT_FOUND, HEFT_E_IO, HEFT_E_NOT_FORMAT, HEFT_E_CORRUPT (offset set),
 *          HEFT_E_UNSUPPORTED, HEFT_E_LIMIT, HEFT_E_USAGE, HEFT_E_NOMEM. On failure *file is
 *          untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_open(const char *path, const struct heft_open_options *options,
                                    struct heft_file **file, struct heft_error *err);

/**
 * Close a file and free all that was borrowed from it: names, maps, metadata.
 *
 * Owns:    takes `file`; NULL is allowed.
 * Units:   none.
 * Errors:  none; closing never writes.
 * Threads: no other call on `file` may be running.
 */
HEFT_API void heft_close(struct heft_file *file);

/**
 * Name a file's format, as in "safetensors".
 *
 * Owns:    nothing; the text is static.
 * Units:   none.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API const char *heft_format_name(const struct heft_file *file);

/**
 * Tell the size that an open file had when it was opened; of a set of shards, that of all its files
 * together, the index counted.
 *
 * Owns:    nothing.
 * Units:   bytes; `n_files` may be NULL.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API uint64_t heft_file_size(const struct heft_file *file, uint32_t *n_files);

/**
 * Count a file's tensors, of all spaces together.
 *
 * Owns:    nothing.
 * Units:   tensors.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API uint32_t heft_n_tensors(const struct heft_file *file);

/**
 * Describe tensor `i`, 0 to heft_n_tensors - 1, in the source's order.
 *
 * Owns:    `tensor` is the caller's; its name lives as long as `file`.
 * Units:   see struct heft_tensor.
 * Errors:  HEFT_E_USAGE (no such index), HEFT_E_NOMEM, HEFT_E_CORRUPT (only with a trusted index).
 * Threads: any.
 */
HEFT_API enum heft_status heft_tensor_at(struct heft_file *file, uint32_t i,
                                         struct heft_tensor *tensor, struct heft_error *err);

/**
 * Find a tensor of space `weights` by its exact name.
 *
 * Owns:    as heft_tensor_at.
 * Units:   see struct heft_tensor.
 * Errors:  HEFT_E_NOT_FOUND, and those of heft_tensor_at.
 * Threads: any.
 */
HEFT_API enum heft_status heft_find(struct heft_file *file, const char *name,
                                    struct heft_tensor *tensor, struct heft_error *err);

/**
 * Find a tensor of a space by its exact name.
 *
 * Owns:    as heft_tensor_at.
 * Units:   see struct heft_tensor.
 * Errors:  HEFT_E_NOT_FOUND, and those of heft_tensor_at.
 * Threads: any.
 */
HEFT_API enum heft_status heft_find_in(struct heft_file *file, enum heft_space space,
                                       const char *name, struct heft_tensor *tensor,
                                       struct heft_error *err);

/**
 * Read logical bytes of a tensor: little-endian, row-major, packed. With HEFT_OPEN_VERIFY the
 * chunks that hold them are checked after they arrived in memory.
 *
 * Owns:    nothing; `dst` stays the caller's.
 * Units:   `offset` and `n` in bytes, offset + n at most tensor->n_bytes.
 * Errors:  HEFT_E_USAGE (range, or a tensor of another file), HEFT_E_IO, HEFT_E_CORRUPT (offset
 *          set), HEFT_E_UNSUPPORTED (a codec that this version does not know), HEFT_E_NOMEM. On
 *          failure `dst` holds anything.
 * Threads: any.
 */
HEFT_API enum heft_status heft_read(struct heft_file *file, const struct heft_tensor *tensor,
                                    uint64_t offset, void *dst, size_t n, struct heft_error *err);

/**
 * Give a tensor's logical bytes where they lie in the mapped file, aligned to tensor->alignment. An
 * empty tensor gives a pointer that must not be read. Nothing is promised about a file that
 * somebody else writes meanwhile: one that is cut short raises SIGBUS.
 *
 * Owns:    *bytes is borrowed and lives as long as `file`.
 * Units:   tensor->n_bytes bytes.
 * Errors:  HEFT_E_UNSUPPORTED where the bytes are coded, foreign-ordered or not mapped; with
 *          HEFT_OPEN_VERIFY those of heft_read.
 * Threads: any.
 */
HEFT_API enum heft_status heft_map(struct heft_file *file, const struct heft_tensor *tensor,
                                   const void **bytes, struct heft_error *err);

/**
 * Give a file's metadata: the text of one JSON object, as spec/container.md, META, says.
 *
 * Owns:    *json is borrowed, ends with NUL and lives as long as `file`; "{}" when there is none.
 * Units:   none.
 * Errors:  HEFT_E_CORRUPT, HEFT_E_IO, HEFT_E_LIMIT, HEFT_E_NOMEM.
 * Threads: any.
 */
HEFT_API enum heft_status heft_metadata(struct heft_file *file, const char **json,
                                        struct heft_error *err);

/**
 * Give a file's graph: the bytes of an ONNX model without its weights, otherwise as it was
 * (spec/foreign/onnx.md, section 4). Each weight left out of it is a tensor of the file, found by
 * its name.
 *
 * Owns:    *graph is borrowed and lives as long as `file`; NULL where there is none.
 * Units:   *size in bytes; 0 where there is none.
 * Errors:  HEFT_E_CORRUPT, HEFT_E_IO, HEFT_E_LIMIT, HEFT_E_NOMEM.
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph(struct heft_file *file, const void **graph, size_t *size,
                                     struct heft_error *err);

/**
 * Tell what each tensor does in its model: by what the graph does with it, or by its name where
 * there is no graph or nothing in it uses the tensor. heft_tensor_at looks at the name alone.
 *
 * Owns:    nothing.
 * Units:   `roles` takes heft_n_tensors(file) of them, in the source's order.
 * Errors:  those of heft_graph; HEFT_E_NOMEM. On failure `roles` holds anything.
 * Threads: any.
 */
HEFT_API enum heft_status heft_roles(struct heft_file *file, enum heft_role *roles,
                                     struct heft_error *err);

/**
 * Tell how a heft file lies on disk.
 *
 * Owns:    nothing.
 * Units:   bytes.
 * Errors:  none; zeros for other formats.
 * Threads: any.
 */
HEFT_API struct heft_file_state heft_file_state(const struct heft_file *file);

/**
 * Walk through the formats that this library was built with, 0, 1, … until NULL.
 *
 * Owns:    nothing; the text is static.
 * Units:   none. `extension` (as in ".heft"), `can_write` and `can_stream` may be NULL.
 * Errors:  NULL past the last one.
 * Threads: any.
 */
HEFT_API const char *heft_format_at(uint32_t i, const char **extension, bool *can_write,
                                    bool *can_stream);

#ifdef __cplusplus
}
#endif
#endif
