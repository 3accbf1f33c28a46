/* SPDX-License-Identifier: Apache-2.0 */
/* op_center_crop_pad.c - CenterCropPad: the middle of the input, with zeros around it where the
 * shape asked for is larger. Of what is odd, the smaller half is in front. */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/maps.h"
#include "graph/move.h"

struct plan {
	struct heft_maps maps;
	uint64_t element;
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct plan *p = (struct plan *)(void *)c->state;
	int64_t sizes[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t axes[HEFT_GRAPH_MAX_RANK];
	uint32_t mapped = 0;
	uint32_t n_sizes;
	uint32_t n;
	bool has_axes;

	HEFT_TRY(heft_call_element(c, 0, &p->element, err));
	HEFT_TRY(heft_call_known_ints(c, 1, sizes, HEFT_GRAPH_MAX_RANK, &n_sizes, err));
	HEFT_TRY(heft_call_axes(c, 1, UINT32_MAX, x->rank, axes, &n, &has_axes, err));
	if (n_sizes != (has_axes ? n : x->rank))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u sizes are given for %u dimensions", n_sizes,
		                 has_axes ? n : x->rank);
	memcpy(dims, x->dims, sizeof dims);
	for (uint32_t k = 0; k < n_sizes; k++) {
		const uint32_t axis = has_axes ? axes[k] : k;

		if (sizes[k] < 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "size %lld cannot be asked for", (long long)sizes[k]);
		dims[axis] = (uint64_t)sizes[k];
		mapped |= 1U << axis;
	}
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	heft_maps_set(c, &p->maps, p->element, mapped);
	return HEFT_OK;
}

static void forward(const struct heft_call *c)
{
	static const uint8_t fill[16];
	const struct plan *p = (const struct plan *)(const void *)c->state;

	for (uint32_t i = 0; i < p->maps.rank; i++) {
		const int64_t n_x = (int64_t)c->in[0].dims[p->maps.dims[i]];
		const int64_t n_y = (int64_t)p->maps.n[i];
		const int64_t before = n_y > n_x ? (n_y - n_x) / 2 : -((n_x - n_y) / 2);
		int64_t *map = heft_maps_of(c, &p->maps, i);

		for (int64_t j = 0; j < n_y; j++)
			map[j] = j - before >= 0 && j - before < n_x ? j - before : -1;
	}
	heft_maps_run(c, &p->maps, fill, p->element);
}

/* The smaller half is in front on the way back, too: what was cropped is padded and the other way
 * round. */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	int64_t dims[HEFT_GRAPH_MAX_RANK];

	for (uint32_t d = 0; d < c->in[0].rank; d++)
		dims[d] = (int64_t)c->in[0].dims[d];
	heft_give(g, 0,
	          heft_emit_2(g, "CenterCropPad", heft_gradient_of(g, 0),
	                      heft_emit_list(g, dims, c->in[0].rank)));
}

const struct heft_op heft_op_center_crop_pad = {
	.name = "CenterCropPad",
	.domain = "",
	.since = 18,
	.flags = HEFT_OP_CHANNELS_LAST,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
