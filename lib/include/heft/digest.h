/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/digest.h - the identity of weights, and whether a file is what it states.
 *
 * The weights digest depends on names, dtypes, shapes and values, and on nothing else: the same
 * model in any format has the same one. spec/digest.md defines it.
 *
 *	uint8_t digest[HEFT_DIGEST_SIZE];
 *
 *	if (heft_weights_digest(file, NULL, digest, &err) == HEFT_OK)
 *		...
 */
#ifndef HEFT_DIGEST_H
#define HEFT_DIGEST_H

#include "heft/file.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Compute the weights digest from the data, every byte of which is read.
 *
 * Owns:    nothing; `digest` takes 32 bytes.
 * Units:   none. `run` may be NULL.
 * Errors:  HEFT_E_IO, HEFT_E_CORRUPT, HEFT_E_UNSUPPORTED (an unknown codec), HEFT_E_CANCELLED,
 *          HEFT_E_NOMEM.
 * Threads: any.
 */
HEFT_API enum heft_status heft_weights_digest(struct heft_file *file, const struct heft_run *run,
                                              uint8_t *digest, struct heft_error *err);

/**
 * Compute the digest of every tensor, of all spaces, from the data, in the source's order.
 *
 * Owns:    nothing; `digests` takes 32 bytes a tensor.
 * Units:   none. `run` may be NULL.
 * Errors:  as heft_weights_digest.
 * Threads: any.
 */
HEFT_API enum heft_status heft_tensor_digests(struct heft_file *file, const struct heft_run *run,
                                              uint8_t *digests, struct heft_error *err);

/**
 * Compute the digest of one tensor from its data.
 *
 * Owns:    nothing; `digest` takes 32 bytes.
 * Units:   none. `run` may be NULL.
 * Errors:  as heft_weights_digest.
 * Threads: any.
 */
HEFT_API enum heft_status heft_tensor_digest(struct heft_file *file,
                                             const struct heft_tensor *tensor,
                                             const struct heft_run *run, uint8_t *digest,
                                             struct heft_error *err);

/**
 * Tell the weights digest that a heft file states, without reading its data.
 *
 * Owns:    nothing; `digest` takes 32 bytes.
 * Units:   none.
 * Errors:  HEFT_E_UNSUPPORTED for other formats, which state none; HEFT_E_CORRUPT, HEFT_E_NOMEM.
 * Threads: any.
 */
HEFT_API enum heft_status heft_stated_weights_digest(struct heft_file *file, uint8_t *digest,
                                                     struct heft_error *err);

/**
 * Tell the digest of one tensor that a heft file states, without reading its data.
 *
 * Owns:    nothing; `digest` takes 32 bytes.
 * Units:   none.
 * Errors:  as heft_stated_weights_digest.
 * Threads: any.
 */
HEFT_API enum heft_status heft_stated_tensor_digest(struct heft_file *file,
                                                    const struct heft_tensor *tensor,
                                                    uint8_t *digest, struct heft_error *err);

/**
 * Tell a heft file's artifact digest: weights, order, ties and every section that means something,
 * from what the file states.
 *
 * Owns:    nothing; `digest` takes 32 bytes.
 * Units:   none.
 * Errors:  as heft_stated_weights_digest.
 * Threads: any.
 */
HEFT_API enum heft_status heft_artifact_digest(struct heft_file *file, uint8_t *digest,
                                               struct heft_error *err);

/* One thing that does not verify. */
struct heft_fault {
	const char *what; /* "chunk", "section", "page", "tail", "gap", "previous", … */
	const char *name; /* the tensor's or section's; NULL where there is none */
	uint64_t offset;  /* in the file, or HEFT_NO_OFFSET */
	const char *msg;  /* one line */
};

/* Called for every fault, in the order of the file, never by two threads at once. */
typedef void (*heft_fault_fn)(void *user, const struct heft_fault *fault);

struct heft_verify_options {
	bool strict; /* refuse a heft file that is not compact */
	bool reserved8[3];
	uint32_t reserved32;
	struct heft_run run;
	uint64_t reserved[8];
};

struct heft_verify_report {
	bool ok;
	bool has_artifact_digest;
	uint64_t n_faults;
	uint64_t n_dead_bytes;
	/* computed from the data; zeros when some of it cannot be read */
	uint8_t weights_digest[HEFT_DIGEST_SIZE];
	uint8_t artifact_digest[HEFT_DIGEST_SIZE];
};

/**
 * Check everything a file states about itself. Of a heft file: both pages, the tables, every
 * section, every chunk, every padding byte, the previous generation. Of another format, which
 * states no digests: that every tensor can be read, and the checksums that it states. The faults
 * go to `fn`; the answer is report->ok.
 *
 * Owns:    nothing; `fn` may be NULL.
 * Units:   none. `options` may be NULL.
 * Errors:  only what kept the check from being made: HEFT_E_IO, HEFT_E_CANCELLED, HEFT_E_NOMEM. A
 *          fault is no error.
 * Threads: any.
 */
HEFT_API enum heft_status heft_verify(struct heft_file *file,
                                      const struct heft_verify_options *options, heft_fault_fn fn,
                                      void *user, struct heft_verify_report *report,
                                      struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
