/* SPDX-License-Identifier: Apache-2.0 */
/* graph/attention.h - what operators of attention share: Y = softmax(scale Q K^T + masks) V, for
 * every head of every sample. Written from spec/numerics.md, section 6.
 *
 * Queries, keys, values and results lie wherever strides say: nothing is transposed. Each head of
 * keys has its own task; the heads of queries that share it are walked in blocks of rows. */
#ifndef GRAPH_ATTENTION_H
#define GRAPH_ATTENTION_H

#include "graph/op.h"

/* Floats from one to the next. The numbers of one row lie side by side. */
struct heft_heads {
	size_t batch;
	size_t head;
	size_t row;
};

enum heft_scores {
	HEFT_SCORES_NONE, /* of `scores`: which are wanted */
	HEFT_SCORES_PRODUCT,
	HEFT_SCORES_CAPPED,
	HEFT_SCORES_MASKED,
	HEFT_SCORES_SOFTMAX
};

enum heft_mask {
	HEFT_MASK_NONE,
	HEFT_MASK_ADDED,  /* F32; of F64, that */
	HEFT_MASK_BOOL,   /* where it is false, a key is not looked at */
	HEFT_MASK_FILTER, /* I32: where it is 0, `filter` is added */
	HEFT_MASK_LENGTHS /* I32, one a sample: to keys from there on `filter` is added */
};

/* Elements: from sample to sample, head to head, row to row, key to key, 0 where it is the same. */
struct heft_mask_strides {
	size_t batch;
	size_t head;
	size_t row;
	size_t key;
	size_t n_keys; /* those behind are not looked at */
};

struct heft_attention {
	/* Set by the operator. */
	size_t n_batch;
	size_t n_heads;    /* of queries */
	size_t n_kv_heads; /* a divisor of it */
	size_t n_rows;     /* queries of a head */
	size_t n_keys;     /* all, those of the past among them */
	size_t size;       /* of a query and a key */
	size_t value_size;
	struct heft_heads q;
	struct heft_heads k;
	struct heft_heads v;
	struct heft_heads y;
	float scale;
	float softcap; /* 0: none */
	float filter;
	bool is_causal;
	bool has_left; /* a window of keys around each query */
	bool has_right;
	int64_t left;
	int64_t right;
	int64_t offset; /* of the first query among the keys */
	enum heft_scores scores;
	enum heft_mask masks[2];
	struct heft_mask_strides mask_strides[2];

	/* Told by heft_attention_init. */
	size_t n_parts; /* of the rows, each a task */
	size_t n_block; /* rows that meet the keys together */
	size_t packed_k_size;
	size_t packed_v_size;
	size_t scores_size;
	size_t worker_size; /* bytes of scratch for each thread */
};

struct heft_attention_data {
	const float *q;
	const float *k;
	const float *v;
	const void *masks[2];
	const int64_t *lengths; /* keys that a sample has, the offset following from them; NULL */
	float *y;               /* NULL: not wanted */
	float *scores;          /* of all heads, packed; NULL */
};

/* LIMIT: sizes do not fit. `size` of scratch for all threads. */
enum heft_status heft_attention_init(const struct heft_call *c, struct heft_attention *a,
                                     size_t *size, struct heft_error *err);
void heft_attention_run(const struct heft_call *c, const struct heft_attention *a,
                        const struct heft_attention_data *d, void *scratch);

/* The keys that query `row` may look at: from *first to *end. `lengths`: NULL, or as in the
 * data. */
void heft_attention_reach(const struct heft_attention *a, const int64_t *lengths, size_t batch,
                          size_t row, size_t *first, size_t *end);

/* Strides of an array that is broadcast to samples, heads, rows and keys, and may have fewer keys:
 * USAGE where it does not go. */
enum heft_status heft_mask_init(const struct heft_array *mask, const struct heft_attention *a,
                                struct heft_mask_strides *strides, struct heft_error *err);

/* --- the same of F64, in binary64: plain loops, a row at a time --- */

struct heft_attention_data_f64 {
	const double *q;
	const double *k;
	const double *v;
	const void *mask; /* masks[0]: F64, or BOOL */
	const int64_t *lengths;
	double scale;
	double *y;
	double *scores;
};

/* Bytes of scratch for all threads; LIMIT. */
enum heft_status heft_attention_f64_init(const struct heft_call *c, const struct heft_attention *a,
                                         size_t *size, struct heft_error *err);
void heft_attention_f64_run(const struct heft_call *c, const struct heft_attention *a,
                            const struct heft_attention_data_f64 *d, void *scratch);

/* Rows of the past, and then new ones, into one array of samples, heads, rows: `past` NULL, there
 * are none. */
struct heft_kv_cache {
	size_t n_batch;
	size_t n_heads;
	size_t n_past;
	size_t n_new;
	size_t size;
	struct heft_heads from; /* where the new ones lie */
};

void heft_kv_cache_join(const struct heft_call *c, const struct heft_kv_cache *cache,
                        const float *past, const float *fresh, float *to);

/* attention_gradient.c: backward of Attention. */
void heft_attention_backward(const struct heft_call *c, struct heft_gradient *g);

#endif
