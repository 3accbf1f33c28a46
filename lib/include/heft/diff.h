/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/diff.h - how two open files of weights differ, whatever their formats: which tensors are in
 * one of them alone, which have another dtype or shape, and how far the values of the others lie
 * apart.
 *
 *	static void print(void *user, const struct heft_difference *d)
 *	{
 *		if (d->kind == HEFT_DIFF_CHANGED)
 *			printf("%s %g\n", d->a->name, d->relative);
 *	}
 *	...
 *	struct heft_diff_summary summary;
 *
 *	if (heft_diff(a, b, NULL, print, NULL, &summary, &err) == HEFT_OK && summary.is_equal)
 *		puts("equal");
 *
 * Tensors are matched by space and name. Files are equal when they have the same tensors with the
 * same dtypes, shapes and bytes; order, ties and metadata do not count, as in the weights digest.
 *
 * The measures. Elements of one dtype differ when their bits do: 0 and -0, and two NaNs of other
 * bits, are different. Elements of two dtypes are first widened to F64 without loss (an integer of
 * 64 bits keeps all its bits), and differ when their values do: 0 is -0 there, and a NaN is a NaN.
 * An element that is infinite or NaN on either side counts as different or not, and stays out of
 * the other measures. A complex number is taken by its parts, max_abs by the magnitude of the
 * difference. All sums are made in F64, in an order that depends on dtypes and shape alone: neither
 * the format nor the number of threads nor the CPU changes a bit of a result. F64 values whose
 * squares leave F64's range give infinities.
 *
 * Elements without a value of their own are compared by their bytes: texts, VOID, and unknown
 * dtypes by element, block types by block. A real and a complex tensor, two tensors of different
 * block types, and tensors whose shapes differ in more than dimensions of 1 are not compared.
 */
#ifndef HEFT_DIFF_H
#define HEFT_DIFF_H

#include "heft/file.h"

#ifdef __cplusplus
extern "C" {
#endif

enum heft_diff_kind {
	HEFT_DIFF_CHANGED = 0, /* in both, and not the same */
	HEFT_DIFF_ONLY_IN_A,
	HEFT_DIFF_ONLY_IN_B,
	HEFT_DIFF_RENAMED /* the same tensor under another name; only with by_content */
};

/* In what a changed tensor differs. */
enum heft_diff_reasons {
	HEFT_DIFF_DTYPE = 1 << 0,
	HEFT_DIFF_SHAPE = 1 << 1,
	HEFT_DIFF_VALUES = 1 << 2
};

struct heft_difference {
	enum heft_diff_kind kind;
	uint32_t reasons;            /* enum heft_diff_reasons; 0 unless changed */
	const struct heft_tensor *a; /* NULL: only in B */
	const struct heft_tensor *b; /* NULL: only in A */
	bool is_compared;            /* the elements were: the counts below mean something */
	bool has_measures;           /* they are numbers: so do the measures */
	uint8_t reserved8[6];
	uint64_t n_compared;  /* elements; of a block type, blocks */
	uint64_t n_different; /* of them */
	/* of those, infinite or NaN on either side, and so in none of the measures */
	uint64_t n_not_finite;
	double max_abs;  /* the largest |a - b| */
	double rms;      /* the root of the mean of |a - b|^2, over all finite pairs */
	double relative; /* |a - b| / |a| as vectors; infinity when A is zero and B is not */
	/* of the angle between both as vectors: 1 when both are zero, 0 when one is */
	double cosine;
	uint64_t reserved[8];
};

/* Called for every difference, never by two threads at once: first all that A has, in the order of
 * A, then what is only in B, in the order of B. What it is given is gone when it returns; the names
 * live as long as the files. */
typedef void (*heft_diff_fn)(void *user, const struct heft_difference *difference);

struct heft_diff_options {
	/* Match what is only in A with what is only in B by tensor digest, for which such tensors
	 * of one dtype and shape are read. */
	bool by_content;
	/* Believe two heft files: tensors whose stated digests agree are equal and are not read.
	 * Without it every tensor is read, since a file may not hold what it states. */
	bool trust_stated;
	bool weights_only; /* leave out the tensors of every space but `weights` */
	uint8_t reserved8;
	uint32_t n_include;
	const char *const *include; /* patterns, as in heft/convert.h; with none, everything */
	const char *const *exclude;
	uint32_t n_exclude;
	uint32_t reserved32;
	struct heft_run run;
	uint64_t reserved[6];
};

struct heft_diff_summary {
	/* The only member that a failure sets: 1: A failed, 2: B did, 0: neither, or it is not
	 * known. */
	uint32_t failed_file;
	bool is_equal;
	uint8_t reserved8[3];
	uint32_t n_a; /* tensors that were looked at */
	uint32_t n_b;
	uint32_t n_equal;
	uint32_t n_changed;
	uint32_t n_dtype; /* of those, for each reason; one may have several */
	uint32_t n_shape;
	uint32_t n_values;
	uint32_t n_only_in_a;
	uint32_t n_only_in_b;
	uint32_t n_renamed;
	uint32_t n_tied_otherwise; /* tensors of both that share with others than before */
	uint32_t reserved32;
	uint64_t n_compared; /* elements of tensors that were compared, equal ones too */
	uint64_t n_different;
	uint64_t reserved[8];
};

/**
 * Compare two open files. A difference is no error: the answer is summary->is_equal. What can be
 * mapped is not copied: as with heft_map, a file that somebody cuts short meanwhile raises SIGBUS,
 * unless it was opened with HEFT_OPEN_PREAD.
 *
 * Owns:    nothing; `options` and `fn` may be NULL, `summary` may not.
 * Units:   see above.
 * Errors:  HEFT_E_USAGE (a pattern that matches nothing in either file), HEFT_E_CANCELLED,
 *          HEFT_E_NOMEM, and those of heft_read. summary->failed_file says which file the message
 *          is about. On failure `fn` may have been called already.
 * Threads: any.
 */
HEFT_API enum heft_status heft_diff(struct heft_file *a, struct heft_file *b,
                                    const struct heft_diff_options *options, heft_diff_fn fn,
                                    void *user, struct heft_diff_summary *summary,
                                    struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
