/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/convert.h - write an open file anew: in another format, with some of its tensors, under
 * other names, in other dtypes.
 *
 *	const char *const include[] = { "encoder.*" };
 *	const struct heft_convert_plan plan = {
 *		.include = include, .n_include = 1, .float_dtype = HEFT_DTYPE_BF16
 *	};
 *
 *	heft_convert(file, "encoder.heft", &plan, NULL, &err);
 *
 * Patterns are those of fnmatch(3) over the whole name: '*' also matches '.' and '/'.
 */
#ifndef HEFT_CONVERT_H
#define HEFT_CONVERT_H

#include "heft/write.h"

#ifdef __cplusplus
extern "C" {
#endif

struct heft_rename {
	const char *from; /* a name, or a pattern with one '*' */
	const char *to;   /* the new name; its one '*' stands for what from's matched */
};

struct heft_dtype_rule {
	const char *pattern;
	enum heft_dtype dtype;
};

/* A floating tensor of `into` for which `file` has none. */
struct heft_unbound {
	struct heft_tensor tensor; /* of `into` */
	/* those of its shape that no other tensor takes, under their new names and in their new
	 * dtypes */
	const struct heft_tensor *candidates;
	uint32_t n_candidates; /* at most 8 are told */
	uint32_t reserved32;
};
typedef void (*heft_unbound_fn)(void *user, const struct heft_unbound *unbound);

struct heft_convert_plan {
	const char *format; /* of the target; NULL: by the path's extension */
	struct heft_write_options write;
	const char *const *include; /* patterns; with none, everything */
	const char *const *exclude;
	const struct heft_rename *renames; /* the first that matches counts */
	/* the first that matches counts, and before float_dtype */
	const struct heft_dtype_rule *dtype_rules;
	enum heft_dtype float_dtype; /* for every floating tensor without a rule; NONE: as it is */
	uint32_t n_include;
	uint32_t n_exclude;
	uint32_t n_renames;
	uint32_t n_dtype_rules;
	/* Cut the target into files of at most so many bytes of tensors each, and an index; 0: one
	 * file. A tensor is never cut. For formats that have such sets: safetensors. */
	uint64_t shard_size;
	bool drop_metadata; /* for targets that cannot hold it */
	bool weights_only;  /* leave out the tensors of every space but `weights` */
	bool drop_graph;    /* leave out the graph, which needs its tensors as they are */
	/* with `into`: a matrix may be taken transposed where it fits only so */
	bool allow_transpose;
	struct heft_run run;
	/* the target's metadata, one JSON object, instead of the file's; NULL: the file's */
	const char *metadata;
	/* Write this file's graph, metadata and tensors with the bytes of `file`, whose tensors are
	 * chosen, renamed and cast first. Each gets those of the tensor of its name, which must
	 * fit; else a floating one of rank 1 or more those of the only tensor left of its dtype and
	 * shape, if it is also the only one that could take them. Of the others scalars and
	 * integers keep their own bytes, and so does what the graph has no role for and nothing is
	 * left of the shape of; the rest fails. NULL: `file` as it is. */
	struct heft_file *into;
	/* with `into`: patterns over its tensors; those keep their own bytes in any case */
	const char *const *keep;
	uint32_t n_keep;
	uint32_t reserved32;
	/* with `into`: told of the tensors (the first 32 of them) that find none, before the
	 * conversion fails for it; NULL: nobody */
	heft_unbound_fn unbound;
	void *unbound_user;
	uint64_t reserved[2];
};

/* What was done. */
struct heft_convert_report {
	uint64_t n_tensors;
	uint64_t n_cast;
	uint64_t n_renamed;
	uint64_t n_bytes;   /* logical bytes written */
	uint64_t file_size; /* of all files together; 0: standard output */
	uint32_t n_files;   /* more than 1: shards and their index, a model and its data */
	bool is_restored;   /* the source file was restored byte for byte */
	/* what a person should know: "not restored byte for byte: ..."; else empty */
	char note[200];
	uint8_t weights_digest[HEFT_DIGEST_SIZE]; /* of what was written */
};

/**
 * Convert an open file to `path` ("-": standard output, where the format can stream). What the
 * target cannot hold is said before anything is written. A heft file made from a file of the
 * target's format and not changed since gives that file back byte for byte.
 *
 * With plan->shard_size, or where `path` is a folder (there, or called so by a slash at its end),
 * the target is a set of files: "folder/model-00001-of-00002.safetensors", …, and an index; or
 * those of "X.safetensors". They appear together: a folder that was not there whole or not at all,
 * in another one the index last. Shards of an older set of that name go when it is replaced. A heft
 * file made from a set gives the set back when no size is asked for.
 *
 * Owns:    nothing; `plan` and `report` may be NULL.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (a rule that matches nothing, two tensors under one name, what the target
 *          cannot hold, a tensor of plan->into that finds none, target exists), HEFT_E_BUSY
 *          (also: `file` is to be converted onto itself and was changed since it was opened),
 *          HEFT_E_CANCELLED, and those of heft_read, heft_create and heft_commit. On failure
 *          nothing stays behind.
 * Threads: any.
 */
HEFT_API enum heft_status heft_convert(struct heft_file *file, const char *path,
                                       const struct heft_convert_plan *plan,
                                       struct heft_convert_report *report, struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
