/* SPDX-License-Identifier: Apache-2.0 */
/* graph/op.h - an operator: what it makes of types and shapes, and what it computes. A new operator
 * is one file op_<name>.c here, with a `const struct heft_op heft_op_<name>`, and one word in
 * lib/graph/meson.build. `infer` does every check; `forward` cannot fail. Results never depend on
 * the number of threads, nor on the CPU (spec/numerics.md). */
#ifndef GRAPH_OP_H
#define GRAPH_OP_H

#include "base/team.h"
#include "heft/tensor.h"
#include "kernel/product.h"

#define HEFT_GRAPH_MAX_RANK 8

struct heft_memory;

/* A value on its way through a graph: packed, row-major, little-endian host order. */
struct heft_array {
	enum heft_dtype dtype; /* HEFT_DTYPE_NONE: an optional input or output that is left out */
	uint32_t rank;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t n_elements;
	uint64_t n_bytes;
	/* NULL in infer where the value is not known yet, and wherever n_bytes is 0. Aligned as the
	 * dtype asks, outputs to 64 bytes. No output overlaps an input, but where `may_overwrite`
	 * says so. */
	void *bytes;
};

/* Sets dtype and shape, and computes the sizes. LIMIT: rank, or 2^63 bytes. */
enum heft_status heft_array_set(struct heft_array *a, enum heft_dtype dtype, uint32_t rank,
                                const uint64_t *dims, struct heft_error *err);
bool heft_array_same_shape(const struct heft_array *a, const struct heft_array *b);

enum heft_attr_kind {
	HEFT_ATTR_FLOAT = 1, /* ONNX's AttributeProto.AttributeType */
	HEFT_ATTR_INT = 2,
	HEFT_ATTR_TEXT = 3,
	HEFT_ATTR_TENSOR = 4,
	HEFT_ATTR_GRAPH = 5,
	HEFT_ATTR_FLOATS = 6,
	HEFT_ATTR_INTS = 7,
	HEFT_ATTR_TEXTS = 8
};

struct heft_attr {
	const char *name;
	enum heft_attr_kind kind;
	uint32_t n; /* of ints, floats, texts */
	int64_t i;
	float f;
	uint32_t graph;   /* GRAPH: its part */
	const char *text; /* ends with NUL */
	const int64_t *ints;
	const float *floats;
	const char *const *texts;
	const struct heft_array *tensor;
};

struct heft_attrs {
	const struct heft_attr *rows;
	uint32_t n;
};

/* What is done to output 0, an F32, before it is stored (spec F2-2), in this order: each element is
 * rounded after each. Set by the planner for operators with HEFT_OP_ENDS, where it saw that what
 * reads the output is an Add, a Relu or a Clip; all zero: nothing. Set before infer. */
struct heft_call_end {
	const struct heft_array *bias; /* F32, one a channel: dimension 1 of Conv, else the last */
	const struct heft_array *residual; /* F32, of output 0's shape, lying as it does */
	enum heft_activation activation;
	float low; /* of CLIP */
	float high;
};

#define HEFT_CALL_STATE 1024

/* One node, as infer and forward see it. */
struct heft_call {
	const struct heft_op *op;
	uint32_t opset; /* version of the operator's domain that the model is written for */
	struct heft_attrs attrs;
	const char *
		*mistyped; /* NULL; or set to the name of an attribute that is of another kind than
	                        * it was asked for, which the caller of infer makes a fault of */
	uint32_t n_in;     /* those left out at the end are not counted; see heft_call_has */
	uint32_t n_out;
	const struct heft_array *in;
	struct heft_array *out; /* infer: heft_array_set each */
	uint64_t wanted;        /* bit i: output i is; forward leaves the others alone */
	/* For operators with HEFT_OP_CHANNELS_LAST: every input and output of at least three
	 * dimensions that is `laid` lies with dimension 1 behind the others: NHWC. `dims` stay
	 * as ONNX says them, NCHW. See heft_call_lies_last. */
	bool channels_last;
	struct heft_call_end end;
	uint64_t seed;  /* of HEFT_OP_RANDOM: of this node in this run */
	uint32_t epoch; /* likewise, of a run that trains: where it draws */
	uint32_t step;
	bool trains;            /* Dropout drops, whatever the file says of its mode */
	struct heft_team *team; /* NULL: one thread; the same for infer, forward and pack */
	uint32_t cpu_bits;      /* which variants of kernels may run: enum heft_cpu_bits */

	/* Set by infer, all 0 before: */
	uint64_t scratch_size; /* bytes of `scratch` that forward wants, of all threads */
	uint64_t packed_size;  /* bytes that pack fills, once, from inputs that are constant */
	/* k + 1: output 0 may lie over input k, each byte read before it is written. */
	uint32_t may_overwrite;
	uint64_t n_multiply_adds; /* of forward, for profiles: of products alone */
	/* Where infer leaves what forward and pack want: sizes and strides. No pointers. */
	_Alignas(64) uint8_t state[HEFT_CALL_STATE];

	/* For forward and pack: */
	void *scratch; /* 64-byte aligned */
	void *packed;  /* NULL: pack was not called, as the inputs are not constant */
};

enum heft_op_flags {
	/* F16 and BF16 inputs are given as F32, and F32 outputs rounded back (spec F1-5) */
	HEFT_OP_WIDENS = 1 << 0,
	HEFT_OP_RANDOM = 1 << 1, /* never folded */
	/* Each element of every output comes from the elements at the same place of the inputs,
	 * which are broadcast as NumPy does: the order of dimensions means nothing. */
	HEFT_OP_ELEMENTWISE = 1 << 2,
	/* Knows `channels_last`: input 0 and output 0 are laid so (HEFT_OP_ALL_LAID: every input
	 * and output). */
	HEFT_OP_CHANNELS_LAST = 1 << 3,
	HEFT_OP_ALL_LAID = 1 << 4,
	/* Faster so, and slower otherwise: where the planner begins. */
	HEFT_OP_WANTS_LAST = 1 << 5,
	HEFT_OP_ENDS = 1 << 6, /* does what `end` says */
	/* Output 0 is the bytes of input 0 in another shape: they are not copied. */
	HEFT_OP_VIEW = 1 << 7,
	/* forward looks at the shapes of its inputs, and not at their bytes */
	HEFT_OP_OF_SHAPES = 1 << 8,
	/* Elements of outputs are elements of inputs, whatever they are, so strings may be moved as
	 * well (kinds.h). */
	HEFT_OP_MOVES = 1 << 9,
	/* With HEFT_OP_CHANNELS_LAST: every input is laid so, and no output, as of a gradient of
	 * weights. */
	HEFT_OP_INPUTS_LAID = 1 << 10
};

struct heft_gradient;

struct heft_op {
	const char *name;   /* ONNX's op_type */
	const char *domain; /* "": ONNX's own; "ai.onnx.ml", "com.microsoft", … */
	uint32_t since;     /* the first opset that has it; 0: 1 */
	uint32_t flags;
	uint32_t min_in;
	uint32_t max_in; /* UINT32_MAX: any number */
	uint32_t min_out;
	uint32_t max_out;
	/* Bits of inputs whose values infer must see, as the shape of Reshape, or the data of
	 * NonZero. Where the value of one is known only when the model runs, infer is called
	 * then, in front of forward; so it sees them always, but for an input that is left out. */
	uint64_t needs;
	/* Checks everything; sets the outputs' dtypes and shapes. USAGE for what the operator's
	 * definition forbids, UNSUPPORTED for what heft does not compute: one impersonal
	 * sentence; the caller puts the node's name in front. May be called several times for
	 * one call. */
	enum heft_status (*infer)(struct heft_call *c, struct heft_error *err);
	void (*forward)(const struct heft_call *c);
	/* Once, before the first forward, where infer asked for packed_size and the inputs in
	 * `packs` are constants. */
	void (*pack)(const struct heft_call *c);
	uint64_t packs;
	/* Bits of outputs that stay F32 where inputs are widened. */
	uint64_t keeps_wide;
	/* For values that no plan holds (kinds.h), NULL for most operators: computes at once while
	 * the model runs, checks included, and sets the outputs, whose bytes are in `memory` or are
	 * an input's. Called in place of infer and forward where an input is such a value, and
	 * in place of forward where infer makes output 0 one; always where infer is NULL. */
	enum heft_status (*run)(struct heft_call *c, struct heft_memory *memory,
	                        struct heft_error *err);
	/* Emits what makes the inputs' gradients from those of the outputs: graph/gradient.h.
	 * heft_gradient_none: they are 0 everywhere. NULL: there is none, which blocks training. */
	void (*backward)(const struct heft_call *c, struct heft_gradient *g);
};

/* Whether input i is there. */
static inline bool heft_call_has(const struct heft_call *c, uint32_t i)
{
	return i < c->n_in && c->in[i].dtype != HEFT_DTYPE_NONE;
}
/* Whether output i is wanted. */
static inline bool heft_call_wants(const struct heft_call *c, uint32_t i)
{
	return i < c->n_out && (i >= 64 || (c->wanted >> i & 1) != 0);
}
/* Whether an array of this rank lies channels last. */
static inline bool heft_call_lies_last(const struct heft_call *c, uint32_t rank)
{
	return c->channels_last && rank > 2;
}

/* --- attributes: the value, or what stands for an absent one --- */

const struct heft_attr *heft_call_attr(const struct heft_call *c, const char *name); /* NULL */
int64_t heft_call_int(const struct heft_call *c, const char *name, int64_t absent);
float heft_call_float(const struct heft_call *c, const char *name, float absent);
const char *heft_call_text(const struct heft_call *c, const char *name, const char *absent);
/* *n = 0 and NULL where it is absent. */
const int64_t *heft_call_ints(const struct heft_call *c, const char *name, uint32_t *n);
const float *heft_call_floats(const struct heft_call *c, const char *name, uint32_t *n);
/* An axis of `rank` dimensions, negative ones counted from behind: USAGE where there is none such.
 * `allow_end`: rank itself may be one. */
enum heft_status heft_call_axis(int64_t given, uint32_t rank, bool allow_end, uint32_t *axis,
                                struct heft_error *err);
/* Integers of input i, whose value is known: I64 or I32, rank 0 or 1. At most `room`. */
enum heft_status heft_call_known_ints(const struct heft_call *c, uint32_t i, int64_t *values,
                                      uint32_t room, uint32_t *n, struct heft_error *err);

/* --- what many operators share --- */

/* NumPy's broadcasting of n arrays: USAGE where it does not go. */
enum heft_status heft_broadcast(const struct heft_array *const *arrays, uint32_t n, uint32_t *rank,
                                uint64_t *dims, struct heft_error *err);
/* Strides, in elements, of `a` seen with the shape rank, dims: 0 along what is broadcast. */
void heft_broadcast_strides(const struct heft_array *a, uint32_t rank, uint64_t *strides);
/* USAGE unless the dtype of input i is one of `allowed` (ends with NONE), naming both. */
enum heft_status heft_call_check_dtype(const struct heft_call *c, uint32_t i,
                                       const enum heft_dtype *allowed, struct heft_error *err);

/* The operator of that name and domain; NULL. */
const struct heft_op *heft_op_find(const char *domain, const char *name);
const struct heft_op *heft_op_at(uint32_t i); /* NULL past the last */

#endif
