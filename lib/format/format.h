/* SPDX-License-Identifier: Apache-2.0 */
/* format/format.h - the vtable of a file format, and the list of them. A new format is one file
 * here, `<name>.c` with a `const struct heft_format heft_format_<name>`, and one word in
 * lib/format/meson.build. */
#ifndef FORMAT_FORMAT_H
#define FORMAT_FORMAT_H

#include "base/sink.h"
#include "base/source.h"
#include "container/origin.h"
#include "container/write_plan.h"
#include "heft/digest.h"

enum heft_format_caps {
	HEFT_FORMAT_READ = 1 << 0,
	HEFT_FORMAT_WRITE = 1 << 1,
	HEFT_FORMAT_STREAM = 1 << 2,     /* can be written to a pipe */
	HEFT_FORMAT_TIES = 1 << 3,       /* stores a tied or shared tensor once */
	HEFT_FORMAT_DIGESTS = 1 << 4,    /* states digests: native */
	HEFT_FORMAT_COMPRESSES = 1 << 5, /* takes a compression other than NONE */
	/* `read` checks what it gives, as by a CRC: whoever goes through all the data uses it
	 * and not `locate` */
	HEFT_FORMAT_CHECKS_READS = 1 << 6,
	HEFT_FORMAT_NO_NAMES = 1 << 7, /* a tensor's name is not kept */
	HEFT_FORMAT_GRAPH = 1 << 8,    /* holds a graph; the plan's is written */
	/* takes options.external_data: the bytes go into a file beside */
	HEFT_FORMAT_EXTERNAL = 1 << 9
};

/* Where the bytes of a tensor lie. */
struct heft_place {
	struct heft_source *src;
	uint64_t off;
	uint32_t file;     /* of the files of the format's recipe; 0 where there is but one */
	uint8_t transform; /* enum heft_transform; 0: they are the logical bytes */
};

/* How a model becomes several files of another format, and an index that names them. Where a folder
 * has such an index, the folder stands for the set. */
struct heft_set {
	const char *shard_format; /* name of each file's format */
	uint64_t usual_size;      /* bytes of tensors in a shard, where nothing else is said */
	/* The name of shard i of n, where `stem` is what the index's name has before the extension.
	 * One shard has no index. */
	void (*add_shard_name)(struct heft_buffer *b, const char *stem, uint32_t i, uint32_t n);
	/* Whether such a name was given to a shard of that stem, of any number. */
	bool (*is_shard_name)(const char *name, const char *stem);
	/* The text of the index: names[shard_of[i]] is the file of tensor i. */
	enum heft_status (*build_index)(struct heft_buffer *b, const struct heft_listing *tensors,
	                                const uint32_t *shard_of, const char *const *names,
	                                struct heft_error *err);
};

/* Everything a write stage works with: the format's writer, made by `begin`. */
struct heft_format {
	const char *name;
	/* ".heft"; the first of several, separated by spaces, is the one that is written */
	const char *ext;
	uint32_t caps;
	uint32_t head_size; /* how many bytes of the file's begin `probe` wants */

	/* Reading. `st` is the format's own state. */
	/* How sure it is, in bits recognised, 0: not at all. Pure; n may be less than head_size. */
	unsigned (*probe)(const uint8_t *head, size_t n, uint64_t file_size);
	/* `src` is borrowed and outlives the state. `path` is for files that lie beside. */
	enum heft_status (*open)(struct heft_source *src, const char *path,
	                         const struct heft_open_options *options, void **st,
	                         struct heft_error *err);
	void (*close)(void *st); /* takes NULL */
	uint32_t (*n_tensors)(const void *st);
	enum heft_status (*tensor_at)(void *st, uint32_t i, struct heft_tensor *t,
	                              struct heft_error *err);
	enum heft_status (*find)(void *st, uint8_t space, const char *name, uint32_t *i,
	                         struct heft_error *err);
	/* Logical bytes [off, off + n) of tensor i; the range was checked. */
	enum heft_status (*read)(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
	                         struct heft_error *err);
	/* Where the tensor's bytes lie one behind the other, n_bytes of them; HEFT_E_UNSUPPORTED
	 * when they do not: coded, or mixed with others. */
	enum heft_status (*locate)(void *st, uint32_t i, struct heft_place *place,
	                           struct heft_error *err);
	/* Borrowed; "{}" when there is none. */
	enum heft_status (*metadata)(void *st, const char **json, struct heft_error *err);
	/* The graph without its weights, as spec/foreign/onnx.md 4 says: borrowed, lives as long as
	 * the state, made when first asked for; *size 0: there is none. NULL itself: never. */
	enum heft_status (*graph)(void *st, const uint8_t **bytes, uint64_t *size,
	                          struct heft_error *err);
	/* Checks what the file states of its data and `read` does not check by itself, as CRCs and
	 * checksums: reads all of it. CORRUPT with the offset. NULL: it states nothing. */
	enum heft_status (*check_data)(void *st, const struct heft_run *run,
	                               struct heft_error *err);
	/* The recipe that gives this very file back, literals borrowed from the state; `path` gives
	 * the name. NULL: none; one without files: none of this file. */
	enum heft_status (*origin)(void *st, const char *path, struct heft_origin *o,
	                           struct heft_error *err);
	/* native alone: what the layers above need of a heft file; else NULL */
	struct heft_index *(*index)(void *st);
	/* A set's i-th file, as its recipe numbers them: its plain name ("" for 0, which is the
	 * file that was opened) and its size; NULL past the last one. NULL itself: there is one
	 * file. */
	const char *(*file_at)(const void *st, uint32_t i, uint64_t *size);

	/* Writing. */
	/* Says, before anything is written, what the format cannot hold: HEFT_E_USAGE. */
	enum heft_status (*check)(const struct heft_write_plan *plan, struct heft_error *err);
	/* `order` (room for every tensor of the plan) is filled with the order in which tensors
	 * must be placed. */
	enum heft_status (*begin)(const struct heft_write_plan *plan, struct heft_sink *sink,
	                          uint32_t *order, void **w, struct heft_error *err);
	size_t (*scratch_size)(const void *w);
	enum heft_status (*encode)(void *w, struct heft_piece *p, struct heft_coder *coder,
	                           uint8_t *scratch, struct heft_error *err);
	/* In the order that begin gave; a format that knew every place at `begin` takes any
	 * order. */
	enum heft_status (*place)(void *w, struct heft_piece *p, struct heft_error *err);
	enum heft_status (*store)(void *w, const struct heft_piece *p, struct heft_error *err);
	/* Logical bytes of a tensor that were stored, for ties that are stored again. NULL: they
	 * lie at the tensor's first file_off, one behind the other. */
	enum heft_status (*read_back)(void *w, uint32_t tensor_i, uint64_t off, void *dst, size_t n,
	                              struct heft_error *err);
	enum heft_status (*finish)(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
	                           struct heft_error *err);
	void (*writer_free)(void *w); /* at any time; takes NULL */

	/* Of a format of several files, whose members above stay NULL; else NULL. */
	const struct heft_set *set;
};

const struct heft_format *heft_format_get(uint32_t i); /* NULL past the last */
const struct heft_format *heft_format_by_name(const char *name);
const struct heft_format *heft_format_by_path(const char *path); /* by extension; NULL: none */
/* The format whose sets have files of this one, or itself when it is one; NULL: none. */
const struct heft_format *heft_format_set_of(const struct heft_format *f);
/* The one that recognises the file, or HEFT_E_NOT_FORMAT. */
enum heft_status heft_format_probe(struct heft_source *src, const struct heft_format **out,
                                   struct heft_error *err);

#endif
