/* SPDX-License-Identifier: Apache-2.0 */
/* op_run.h - runs a row of op_row.h in one of the ways that must not matter, and compares. */
#ifndef HEFT_OP_RUN_H
#define HEFT_OP_RUN_H

#include "base/cpu.h"
#include "base/error.h"
#include "graph/kinds.h"
#include "op_row.h"

#define OP_GUARD 64

/* How a row is run. */
struct op_way {
	uint32_t cpu_bits;
	struct heft_team *team;
	bool is_packed;
	bool is_channels_last;
	bool is_all_known; /* every input in infer, not only those that it needs */
	bool is_in_place;
	uint64_t wanted;
	const struct heft_call_end *end;
	uint8_t rubbish; /* what lies in memory before */
};

struct op_result {
	uint32_t n_out;
	struct heft_array out[ROW_ARRAYS]; /* row-major as ONNX says; bytes NULL: not wanted */
	bool was_packed;
	uint32_t may_overwrite;
};

/* Whether infer saw all that pack wants: then pack comes before forward. */
static inline bool op_sees_packs(const struct op_row *r, const struct op_way *way)
{
	return r->op->pack && (way->is_packed || way->is_all_known ||
	                       (r->op->needs & r->op->packs) == r->op->packs);
}

static inline void op_result_done(struct op_result *result)
{
	for (uint32_t i = 0; i < result->n_out; i++)
		free(result->out[i].bytes);
	memset(result, 0, sizeof *result);
}

/* --- memory between guards --- */

static inline void *op_room(uint64_t size, uint8_t rubbish)
{
	uint8_t *p = NULL;

	ck_assert_int_eq(posix_memalign((void **)&p, 64, size + 2 * OP_GUARD), 0);
	memset(p, rubbish, size + 2 * OP_GUARD);
	return p + OP_GUARD;
}

static inline bool op_is_touched(const uint8_t *p, uint64_t size, uint8_t rubbish)
{
	for (uint64_t i = 0; i < size; i++) {
		if (p[i] != rubbish)
			return true;
	}
	return false;
}

/* Frees room whose guards are whole. */
static inline void op_room_done(const struct op_row *r, const char *what, void *room, uint64_t size,
                                uint8_t rubbish)
{
	uint8_t *p = room;

	if (!p)
		return;
	if (op_is_touched(p - OP_GUARD, OP_GUARD, rubbish) ||
	    op_is_touched(p + size, OP_GUARD, rubbish))
		ck_abort_msg("%s: written beyond %s", r->place, what);
	free(p - OP_GUARD);
}

/* --- layouts --- */

static inline bool op_is_laid(const struct op_row *r, uint32_t i)
{
	return i == 0 || (r->op->flags & (HEFT_OP_ALL_LAID | HEFT_OP_INPUTS_LAID));
}

static inline bool op_output_is_laid(const struct op_row *r, uint32_t i)
{
	return !(r->op->flags & HEFT_OP_INPUTS_LAID) &&
	       (i == 0 || (r->op->flags & HEFT_OP_ALL_LAID));
}

/* From NCHW to NHWC, or back. */
static inline void op_lay(const struct heft_array *a, void *to, const void *from, bool is_back)
{
	const uint64_t n_channels = a->dims[1];
	const uint64_t size = a->n_elements > 0 ? a->n_bytes / a->n_elements : 0;
	const uint64_t map = a->n_elements > 0 ? a->n_elements / a->dims[0] / n_channels : 0;

	for (uint64_t i = 0; i < a->n_elements; i++) {
		const uint64_t n = i / map / n_channels;
		const uint64_t c = i / map % n_channels;
		const uint64_t last = (n * map + i % map) * n_channels + c;

		memcpy((uint8_t *)to + (is_back ? i : last) * size,
		       (const uint8_t *)from + (is_back ? last : i) * size, size);
	}
}

/* The inputs as the operator gets them, in memory that ends where they end. */
static inline void op_inputs(const struct op_row *r, const struct op_way *way,
                             struct heft_array *in)
{
	for (uint32_t i = 0; i < r->n_in; i++) {
		const struct heft_array *a = &r->in[i];
		const bool is_half = a->dtype == HEFT_DTYPE_F16 || a->dtype == HEFT_DTYPE_BF16;
		void *p = NULL;

		in[i] = *a;
		if (a->n_bytes == 0)
			continue;
		if (is_half && (r->op->flags & HEFT_OP_WIDENS)) {
			in[i].dtype = HEFT_DTYPE_F32;
			in[i].n_bytes = 4 * a->n_elements;
		}
		ck_assert_int_eq(posix_memalign(&p, 64, in[i].n_bytes), 0);
		in[i].bytes = p;
		memcpy(p, a->bytes, a->n_bytes);
		if (way->is_channels_last && op_is_laid(r, i) && a->rank > 2)
			op_lay(a, p, a->bytes, false);
		if (in[i].dtype != a->dtype) {
			void *narrow = malloc(a->n_bytes);

			ck_assert_ptr_nonnull(narrow);
			memcpy(narrow, p, a->n_bytes);
			heft_cast_elements(in[i].dtype, p, a->dtype, narrow, a->n_elements, NULL);
			free(narrow);
		}
	}
}

/* --- one run --- */

static inline enum heft_status op_infer(const struct op_row *r, const struct op_way *way,
                                        struct heft_call *c, const struct heft_array *in,
                                        struct heft_array *some, struct heft_array *out,
                                        struct heft_error *err)
{
	const char *mistyped = NULL;
	enum heft_status st = HEFT_OK;

	for (uint32_t i = 0; i < r->n_in; i++) {
		const uint64_t needs = r->op->needs | (way->is_packed ? r->op->packs : 0);

		some[i] = in[i];
		if (!way->is_all_known && (i >= 64 || !(needs >> i & 1)))
			some[i].bytes = NULL;
	}
	/* It may be called several times: what it leaves the first time must not matter. */
	for (uint32_t time = 0; time < 2 && st == HEFT_OK; time++) {
		memset(c, 0, sizeof *c);
		memset(out, 0, r->n_out * sizeof *out);
		c->op = r->op;
		c->opset = r->opset;
		c->attrs = (struct heft_attrs){ .rows = r->attrs, .n = r->n_attrs };
		c->mistyped = &mistyped;
		c->n_in = r->n_in;
		c->n_out = r->n_out;
		c->in = some;
		c->out = out;
		c->wanted = way->wanted;
		c->channels_last = way->is_channels_last;
		c->seed = 7;
		c->team = way->team;
		c->cpu_bits = way->cpu_bits;
		if (way->end)
			c->end = *way->end;
		st = r->op->infer(c, err);
	}
	/* rows are of arrays of numbers */
	if (st == HEFT_OK && c->n_out > 0 && !heft_is_array(&c->out[0]))
		st = heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "output 0 is %s",
		               heft_kind_name(c->out[0].dtype));
	c->mistyped = NULL;
	if (st == HEFT_OK && mistyped) {
		snprintf(err->msg, sizeof err->msg, "attribute '%s' is mistyped", mistyped);
		st = HEFT_E_USAGE;
	}
	return st;
}

static inline void op_check_sizes(const struct op_row *r, const struct heft_call *c)
{
	for (uint32_t i = 0; i < c->n_out; i++) {
		const struct heft_array *a = &c->out[i];
		struct heft_array b = { 0 };

		if (!heft_call_wants(c, i))
			continue;
		ck_assert_msg(a->dtype != HEFT_DTYPE_NONE, "%s: output %u has no dtype", r->place,
		              i);
		ck_assert_int_eq(heft_array_set(&b, a->dtype, a->rank, a->dims, NULL), HEFT_OK);
		ck_assert_msg(a->n_elements == b.n_elements && a->n_bytes == b.n_bytes,
		              "%s: the size of output %u", r->place, i);
	}
	if (c->may_overwrite > 0)
		ck_assert_msg(c->may_overwrite <= c->n_in &&
		                      c->in[c->may_overwrite - 1].n_bytes == c->out[0].n_bytes,
		              "%s: may_overwrite, with another size", r->place);
}

/* A value without bytes has none; one that is not wanted gets some, to see that it is left
 * alone. */
static inline void op_give_outputs(struct heft_call *c, uint8_t rubbish)
{
	for (uint32_t i = 0; i < c->n_out; i++) {
		struct heft_array *a = &c->out[i];

		a->bytes = a->n_bytes > 0 || !heft_call_wants(c, i) ? op_room(a->n_bytes, rubbish)
		                                                    : NULL;
	}
}

static inline void op_forward(const struct op_row *r, const struct op_way *way, struct heft_call *c,
                              struct heft_array *in)
{
	const uint8_t rubbish = way->rubbish;
	struct heft_array *over = way->is_in_place && c->may_overwrite > 0
	                                  ? &in[c->may_overwrite - 1]
	                                  : NULL;
	void *own = over ? over->bytes : NULL;

	op_give_outputs(c, rubbish);
	c->in = in;
	c->scratch = c->scratch_size > 0 ? op_room(c->scratch_size, rubbish) : NULL;
	if (op_sees_packs(r, way) && c->packed_size > 0) {
		c->packed = op_room(c->packed_size, rubbish);
		r->op->pack(c);
	}
	if (over && over->n_bytes > 0) {
		memcpy(c->out[0].bytes, own, over->n_bytes);
		over->bytes = c->out[0].bytes;
	}
	r->op->forward(c);
	if (over)
		over->bytes = own;
	op_room_done(r, "scratch", c->scratch, c->scratch_size, rubbish);
	op_room_done(r, "packed", c->packed, c->packed_size, rubbish);
}

/* Moves what forward left to a result, row-major. */
static inline void op_keep(const struct op_row *r, const struct op_way *way,
                           const struct heft_call *c, struct op_result *result)
{
	for (uint32_t i = 0; i < c->n_out; i++) {
		const struct heft_array *a = &c->out[i];
		void *p = NULL;

		result->out[i] = *a;
		result->out[i].bytes = NULL;
		if (!heft_call_wants(c, i)) {
			if (op_is_touched(a->bytes, a->n_bytes, way->rubbish))
				ck_abort_msg("%s: output %u is written, not wanted", r->place, i);
		} else if (a->n_bytes > 0) {
			ck_assert_int_eq(posix_memalign(&p, 64, a->n_bytes), 0);
			result->out[i].bytes = p;
			if (way->is_channels_last && op_output_is_laid(r, i) && a->rank > 2)
				op_lay(a, p, a->bytes, true);
			else
				memcpy(p, a->bytes, a->n_bytes);
		}
		op_room_done(r, "an output", a->bytes, a->n_bytes, way->rubbish);
	}
}

static inline void op_free_inputs(const struct op_row *r, struct heft_array *in)
{
	for (uint32_t i = 0; i < r->n_in; i++) {
		if (in[i].n_bytes > 0)
			free(in[i].bytes);
	}
}

/* Whether what infer asks for is small enough to be run on whatever it was given. */
static inline bool op_is_small(const struct heft_call *c)
{
	uint64_t n_bytes = c->scratch_size / 16;

	for (uint32_t i = 0; i < c->n_out; i++) {
		if (c->out[i].n_bytes > 1U << 20)
			return false;
		n_bytes += c->out[i].n_bytes;
	}
	return n_bytes <= 1U << 20 && c->packed_size <= 1U << 24 && c->n_multiply_adds < 50000000;
}

/* Runs the row in a way. `only_small`: UNSUPPORTED where it would take much. */
static inline enum heft_status op_run(const struct op_row *r, const struct op_way *way,
                                      bool only_small, struct op_result *result,
                                      struct heft_error *err)
{
	static struct heft_call c;
	static struct heft_array in[ROW_ARRAYS];
	static struct heft_array some[ROW_ARRAYS];
	static struct heft_array out[ROW_ARRAYS];
	enum heft_status st;

	memset(result, 0, sizeof *result);
	op_inputs(r, way, in);
	st = op_infer(r, way, &c, in, some, out, err);
	if (st == HEFT_OK && only_small && !op_is_small(&c))
		st = HEFT_E_LIMIT;
	if (st == HEFT_OK) {
		op_check_sizes(r, &c);
		result->n_out = r->n_out;
		result->may_overwrite = c.may_overwrite;
		result->was_packed = r->op->pack && c.packed_size > 0;
		op_forward(r, way, &c, in);
		op_keep(r, way, &c, result);
	}
	op_free_inputs(r, in);
	return st;
}

/* --- comparing --- */

static inline double op_element(const struct heft_array *a, uint64_t i)
{
	double f;

	heft_cast_elements(HEFT_DTYPE_F64, &f, a->dtype,
	                   (const uint8_t *)a->bytes + i * (a->n_bytes / a->n_elements), 1, NULL);
	return f;
}

/* spec F1-4: any NaN equals any NaN; all else bit by bit. */
static inline bool op_same_element(const struct heft_array *a, const struct heft_array *b,
                                   uint64_t i)
{
	const uint64_t size = a->n_bytes / a->n_elements;

	if (memcmp((const uint8_t *)a->bytes + i * size, (const uint8_t *)b->bytes + i * size,
	           size) == 0)
		return true;
	return heft_dtype_describe(a->dtype)->is_float && isnan(op_element(a, i)) &&
	       isnan(op_element(b, i));
}

/* "" where they are equal. */
static inline const char *op_difference(const struct heft_array *a, const struct heft_array *b)
{
	static char text[200];

	if (a->dtype != b->dtype || !heft_array_same_shape(a, b))
		return "another dtype or shape";
	if (!a->bytes || !b->bytes || a->n_bytes == 0 ||
	    memcmp(a->bytes, b->bytes, a->n_bytes) == 0)
		return "";
	for (uint64_t i = 0; i < a->n_elements; i++) {
		if (heft_dtype_describe(a->dtype)->n_elements > 1 ||
		    heft_dtype_describe(a->dtype)->is_complex)
			return "other bytes";
		if (!op_same_element(a, b, i)) {
			snprintf(text, sizeof text,
			         "element %llu of %llu: %.9g (%a), first %.9g (%a)",
			         (unsigned long long)i, (unsigned long long)a->n_elements,
			         op_element(a, i), op_element(a, i), op_element(b, i),
			         op_element(b, i));
			return text;
		}
	}
	return "";
}

#endif
