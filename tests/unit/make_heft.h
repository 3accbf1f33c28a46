/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_heft.h - writes small heft files for tests, through lib/container/writer.h.
 *
 *	static const struct make_tensor tensors[] = {
 *		{ .name = "w", .dtype = HEFT_DTYPE_F32, .rank = 2, .dims = { 2, 3 } },
 *	};
 *	struct make_heft m = { .tensors = tensors, .n = 1 };
 *
 *	make_heft(&m, path);
 */
#ifndef HEFT_MAKE_HEFT_H
#define HEFT_MAKE_HEFT_H

#include "base/source.h"
#include "container/index.h"
#include "container/write_plan.h"

enum make_fill {
	MAKE_NOISE, /* does not compress */
	MAKE_ZEROS,
	MAKE_PATTERN, /* compresses */
};

struct make_tensor {
	const char *name;
	uint16_t dtype;
	uint8_t space;
	uint8_t rank;
	uint64_t dims[4];
	uint64_t n_bytes; /* of an unknown dtype */
	uint32_t unit;    /* the same */
	enum make_fill fill;
	uint32_t seed;
	bool is_tied;  /* to tensor `of` */
	bool shares;   /* with tensor `of` */
	bool is_coded; /* with make_heft.mixed */
	uint32_t of;
};

struct make_heft {
	const struct make_tensor *tensors;
	uint32_t n;
	struct heft_write_options options;
	const char *metadata;
	const struct heft_section_out *sections;
	uint32_t n_sections;
	const struct heft_origin *origin;
	bool mixed;     /* each tensor says whether it is coded */
	bool backwards; /* chunks of a tensor are stored last one first */
};

/* The logical bytes [off, off + n) of a tensor. */
void make_bytes(const struct make_tensor *t, uint64_t off, uint8_t *bytes, size_t n);

/* Writes the file and gives the status; nothing is at `path` after a failure that was not there. */
enum heft_status make_heft_try(const struct make_heft *m, const char *path, struct heft_error *err);
/* The same, and fails the test when it fails. */
void make_heft(const struct make_heft *m, const char *path);

/* A file with a bit of everything: spaces, ties, sharing, scalars, empty tensors, several chunks,
 * every codec, narrow and unknown dtypes. */
#define MAKE_ALL_N 16
extern const struct make_tensor make_all[MAKE_ALL_N];

/* An open file. */
struct made {
	struct heft_source *src;
	struct heft_index *ix;
};
void made_open(struct made *f, const char *path);
void made_close(struct made *f);
/* Every tensor's bytes are those that make_bytes gives; chunks are verified. */
void made_check(struct made *f, const struct make_tensor *tensors, uint32_t n);
/* heft_index_verify finds nothing; `strict`: the file is compact too. */
void made_verify(const char *path, bool strict);

#endif
