/* SPDX-License-Identifier: Apache-2.0 */
/* control_scan.c - Scan while a model runs: its block once for each item of what it scans. */
#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"
#include "graph/loop.h"

/* Item i of `a` along `axis`. */
static enum heft_status item(struct heft_flow *flow, const struct heft_array *a, uint32_t axis,
                             uint64_t i, struct heft_array *to, struct heft_error *err)
{
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t n_outer = 1;
	uint64_t inner;

	for (uint32_t d = 0; d + 1 < a->rank; d++)
		dims[d] = a->dims[d < axis ? d : d + 1];
	*to = (struct heft_array){ 0 };
	HEFT_TRY(heft_array_set(to, a->dtype, a->rank - 1, dims, err));
	if (to->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(flow->memory, to->n_bytes, &to->bytes, err));
	for (uint32_t d = 0; d < axis; d++)
		n_outer *= a->dims[d];
	inner = to->n_bytes / n_outer;
	for (uint64_t o = 0; o < n_outer; o++)
		memcpy((uint8_t *)to->bytes + o * inner,
		       (const uint8_t *)a->bytes + (o * a->dims[axis] + i) * inner, (size_t)inner);
	return HEFT_OK;
}

static int64_t nth(const int64_t *values, uint32_t n, uint32_t i)
{
	return i < n ? values[i] : 0;
}

struct scan {
	struct heft_loop l;
	uint32_t n_scanned;
	const int64_t *axes;
	const int64_t *directions;
	uint32_t n_axes;
	uint32_t n_directions;
	const int64_t *length; /* NULL; or that of the sample */
};

static enum heft_status scan_length(const struct scan *s, uint64_t *length, struct heft_error *err)
{
	for (uint32_t k = 0; k < s->n_scanned; k++) {
		const struct heft_array a = heft_loop_given(&s->l, s->l.n_carried + k);
		uint32_t axis;

		HEFT_TRY(heft_loop_check_bytes(&a, err));
		HEFT_TRY(heft_call_axis(nth(s->axes, s->n_axes, k), a.rank, false, &axis, err));
		if (k > 0 && a.dims[axis] != *length)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "what it scans is of different lengths");
		*length = a.dims[axis];
	}
	if (s->length && (*s->length < 0 || (uint64_t)*s->length > *length))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a sequence of %llu items has not %lld",
		                 (unsigned long long)*length, (long long)*s->length);
	if (s->length)
		*length = (uint64_t)*s->length;
	return HEFT_OK;
}

static enum heft_status scan_all(struct scan *s, struct heft_error *err)
{
	const struct heft_call c = { .attrs = s->l.node->attrs };
	const struct heft_model *m = s->l.flow->plan->model;
	uint64_t length = 0;
	uint32_t n_axes;
	uint32_t n_directions;
	const int64_t *axes = heft_call_ints(&c, "scan_output_axes", &n_axes);
	const int64_t *directions = heft_call_ints(&c, "scan_output_directions", &n_directions);

	/* operator set 8 has neither */
	if (s->l.given)
		n_axes = n_directions = 0;
	HEFT_TRY(scan_length(s, &length, err));
	for (uint64_t i = 0; i < length; i++) {
		for (uint32_t k = 0; k < s->n_scanned; k++) {
			const struct heft_array a = heft_loop_given(&s->l, s->l.n_carried + k);
			const bool back = nth(s->directions, s->n_directions, k) != 0;
			uint32_t axis;

			HEFT_TRY(heft_call_axis(nth(s->axes, s->n_axes, k), a.rank, false, &axis,
			                        err));
			s->l.flow->memory = &s->l.memories[(i + 1) % 2];
			HEFT_TRY(item(s->l.flow, &a, axis, back ? length - 1 - i : i,
			              &s->l.flow->values[heft_control_in(m, s->l.body,
			                                                 s->l.n_carried + k)],
			              err));
		}
		HEFT_TRY(heft_loop_iterate(&s->l, i, err));
		HEFT_TRY(heft_loop_carry(&s->l, err));
	}
	HEFT_TRY(heft_loop_finish(&s->l, err));
	for (uint32_t k = 0; k < s->l.n_collected; k++)
		HEFT_TRY(heft_loop_stack(&s->l, k, nth(axes, n_axes, k),
		                         nth(directions, n_directions, k) != 0, err));
	return HEFT_OK;
}

static enum heft_status scan_once(struct scan *s, struct heft_error *err)
{
	enum heft_status st = heft_loop_open(&s->l, err);

	if (st == HEFT_OK)
		st = scan_all(s, err);
	heft_loop_close(&s->l);
	return st;
}

/* --- Scan of operator set 8: input 0 are lengths, all others have samples as dimension 0 --- */

struct samples {
	uint64_t n;
	uint32_t n_given;
	uint32_t n_out;
	struct heft_array lengths; /* dtype NONE: all are as long as they can be */
	struct heft_array *given;  /* of one sample */
	struct heft_array *made;   /* n x n_out */
};

static enum heft_status samples_init(const struct scan *s, struct samples *all,
                                     struct heft_error *err)
{
	struct heft_memory *memory = s->l.flow->memory;
	const struct heft_array first = heft_loop_given(&s->l, 0);
	void *bytes;

	all->n_given = s->l.n_carried + s->n_scanned;
	all->n_out = s->l.node->n_out;
	all->n = first.rank > 0 ? first.dims[0] : 0;
	all->lengths = heft_flow_value(s->l.flow, heft_ir_in(s->l.flow->plan->model, s->l.node, 0));
	for (uint32_t i = 0; i < all->n_given; i++) {
		const struct heft_array a = heft_loop_given(&s->l, i);

		if (!heft_is_array(&a) || a.rank == 0 || a.dims[0] != all->n || all->n == 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "its inputs do not have as many samples, or have none");
		HEFT_TRY(heft_loop_check_bytes(&a, err));
	}
	if (all->lengths.dtype != HEFT_DTYPE_NONE &&
	    (all->lengths.dtype != HEFT_DTYPE_I64 || all->lengths.n_elements != all->n))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there is not one length for each sample");
	if (all->n > UINT32_MAX)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "there are %llu samples",
		                 (unsigned long long)all->n);
	HEFT_TRY(heft_memory_take(memory, all->n_given * sizeof *all->given, &bytes, err));
	all->given = bytes;
	HEFT_TRY(heft_memory_take(memory, all->n * all->n_out * sizeof *all->made, &bytes, err));
	all->made = bytes;
	return HEFT_OK;
}

static enum heft_status scan_sample(const struct scan *of_all, const struct samples *all,
                                    uint64_t b, struct heft_error *err)
{
	const struct heft_model *m = of_all->l.flow->plan->model;
	struct scan s = *of_all;

	for (uint32_t i = 0; i < all->n_given; i++) {
		const struct heft_array a = heft_loop_given(&of_all->l, i);
		struct heft_array *one = &all->given[i];

		*one = (struct heft_array){ 0 };
		HEFT_TRY(heft_array_set(one, a.dtype, a.rank - 1, a.dims + 1, err));
		if (one->n_bytes > 0)
			one->bytes = (uint8_t *)a.bytes + b * one->n_bytes;
	}
	s.l.given = all->given;
	if (all->lengths.dtype != HEFT_DTYPE_NONE)
		s.length = (const int64_t *)all->lengths.bytes + b;
	HEFT_TRY(scan_once(&s, err));
	for (uint32_t k = 0; k < all->n_out; k++) {
		const uint32_t value = heft_ir_out(m, of_all->l.node, k);

		all->made[b * all->n_out + k] = heft_flow_value(of_all->l.flow, value);
	}
	return HEFT_OK;
}

/* Samples of one output behind each other; what shorter ones lack of the longest that there may be
 * is +0. */
static enum heft_status join_samples(const struct scan *s, const struct samples *all, uint32_t k,
                                     struct heft_error *err)
{
	const struct heft_model *m = s->l.flow->plan->model;
	const bool is_scanned = k >= s->l.n_carried;
	const struct heft_array *model = &all->made[k];
	struct heft_array a = { 0 };
	uint64_t dims[HEFT_GRAPH_MAX_RANK + 1] = { all->n };
	uint64_t each;

	for (uint64_t b = 0; b < all->n && is_scanned && model->dims[0] == 0; b++)
		model = &all->made[b * all->n_out + k];
	for (uint32_t d = 0; d < model->rank; d++)
		dims[d + 1] = model->dims[d];
	if (is_scanned)
		dims[1] = all->given[s->l.n_carried].dims[0];
	HEFT_TRY(heft_array_set(&a, model->dtype, model->rank + 1, dims, err));
	if (a.n_bytes > 0) {
		HEFT_TRY(heft_memory_take(s->l.flow->memory, a.n_bytes, &a.bytes, err));
		memset(a.bytes, 0, (size_t)a.n_bytes);
	}
	each = a.n_bytes / all->n;
	for (uint64_t b = 0; b < all->n; b++) {
		const struct heft_array *one = &all->made[b * all->n_out + k];
		const uint32_t first = is_scanned ? 1 : 0;

		if (one->n_bytes == 0 && is_scanned)
			continue;
		if (one->dtype != model->dtype || one->rank != model->rank ||
		    (one->rank > first && memcmp(one->dims + first, model->dims + first,
		                                 (one->rank - first) * sizeof *dims) != 0))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "samples make values of different shapes");
		if (one->n_bytes > 0)
			memcpy((uint8_t *)a.bytes + b * each, one->bytes, (size_t)one->n_bytes);
	}
	s->l.flow->values[heft_ir_out(m, s->l.node, k)] = a;
	return HEFT_OK;
}

static enum heft_status scan_samples(struct scan *s, struct heft_error *err)
{
	struct samples all = { 0 };

	HEFT_TRY(samples_init(s, &all, err));
	for (uint64_t b = 0; b < all.n; b++)
		HEFT_TRY(scan_sample(s, &all, b, err));
	for (uint32_t k = 0; k < all.n_out; k++) {
		if (heft_ir_out(s->l.flow->plan->model, s->l.node, k) != HEFT_IR_NONE)
			HEFT_TRY(join_samples(s, &all, k, err));
	}
	return HEFT_OK;
}

enum heft_status heft_scan_run(struct heft_flow *flow, const struct heft_ir_node *node,
                               struct heft_error *err)
{
	const struct heft_call c = { .attrs = node->attrs };
	const bool of_samples = node->opset < 9;
	const uint32_t first = of_samples ? 1 : 0;
	const uint32_t n_in = node->n_in > first ? node->n_in - first : 0;
	const int64_t n = heft_call_int(&c, "num_scan_inputs", 0);
	struct scan s = { .l = { .flow = flow, .node = node, .first_given = first } };

	s.l.body = heft_control_block(flow->plan->model, node, "body");
	if (!s.l.body || n < 1 || n > n_in || s.l.body->n_inputs != n_in ||
	    s.l.body->n_outputs < n_in - (uint32_t)n || s.l.body->n_outputs < node->n_out)
		return heft_control_no_block("body", err);
	s.n_scanned = (uint32_t)n;
	s.l.n_carried = n_in - s.n_scanned;
	s.l.n_collected = s.l.body->n_outputs - s.l.n_carried;
	s.directions = heft_call_ints(&c, of_samples ? "directions" : "scan_input_directions",
	                              &s.n_directions);
	if (of_samples)
		return scan_samples(&s, err);
	s.axes = heft_call_ints(&c, "scan_input_axes", &s.n_axes);
	return scan_once(&s, err);
}
