/* SPDX-License-Identifier: Apache-2.0 */
/* op_non_max_suppression.c - NonMaxSuppression: the best boxes of each class that do not overlap a
 * better one too much. Written from spec/numerics.md, F6-70. How many there are is only known when
 * they are found, so infer does the work too. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/op.h"
#include "graph/sort_keys.h"

struct limits {
	uint64_t most; /* of a class */
	float overlap;
	float score;
	bool has_score;
	bool is_centre;
};

static float one_float(const struct heft_call *c, uint32_t i, float absent)
{
	return heft_call_has(c, i) && c->in[i].n_elements > 0 ? *(const float *)c->in[i].bytes
	                                                      : absent;
}

static void read_limits(const struct heft_call *c, struct limits *l)
{
	const int64_t most = heft_call_has(c, 2) && c->in[2].n_elements > 0
	                             ? *(const int64_t *)c->in[2].bytes
	                             : 0;

	l->most = most > 0 ? (uint64_t)most : 0;
	l->overlap = one_float(c, 3, 0);
	l->score = one_float(c, 4, 0);
	l->has_score = heft_call_has(c, 4) && c->in[4].n_elements > 0;
	l->is_centre = heft_call_int(c, "center_point_box", 0) != 0;
}

/* Low and high of two axes. */
struct box {
	float low[2];
	float high[2];
};

static void read_box(const float *b, bool is_centre, struct box *box)
{
	for (uint32_t k = 0; k < 2; k++) {
		const float half = b[2 + k] / 2;
		const float p = is_centre ? b[k] - half : b[k];
		const float q = is_centre ? b[k] + half : b[2 + k];

		box->low[k] = q < p ? q : p;
		box->high[k] = q < p ? p : q;
	}
}

static bool is_suppressed(const struct box *a, const struct box *b, float most)
{
	float sides[2];
	float common;
	float areas[2];
	float all;

	for (uint32_t k = 0; k < 2; k++) {
		const float low = a->low[k] > b->low[k] ? a->low[k] : b->low[k];
		const float high = a->high[k] < b->high[k] ? a->high[k] : b->high[k];

		if (!(high > low))
			return false;
		sides[k] = high - low;
	}
	common = sides[0] * sides[1];
	areas[0] = (a->high[0] - a->low[0]) * (a->high[1] - a->low[1]);
	areas[1] = (b->high[0] - b->low[0]) * (b->high[1] - b->low[1]);
	all = areas[0] + areas[1] - common;
	return common > 0 && areas[0] > 0 && areas[1] > 0 && all > 0 && common / all > most;
}

/* A number that orders scores, the greatest first, and those that are equal by their place: a NaN
 * comes last. */
static uint64_t key_of(float score, uint64_t place)
{
	uint32_t bits;

	score = score == 0 ? 0 : score;
	memcpy(&bits, &score, sizeof bits);
	bits = bits >> 31 ? ~bits : bits | 0x80000000U;
	if (score != score)
		bits = 0;
	return (uint64_t)~bits << 32 | place;
}

/* What is found, in threes; NULL: only counted. `room`: three numbers for each box. */
static uint64_t find(const struct heft_call *c, uint64_t *room, int64_t *found)
{
	const uint64_t n_boxes = c->in[0].dims[1];
	const uint64_t n_classes = c->in[1].dims[1];
	const uint64_t n_all = c->in[1].dims[0] * n_classes;
	uint64_t *kept = room + 2 * n_boxes;
	struct limits l;
	uint64_t n_found = 0;

	read_limits(c, &l);
	for (uint64_t which = 0; which < n_all && n_boxes > 0 && l.most > 0; which++) {
		const float *boxes = (const float *)c->in[0].bytes +
		                     which / n_classes * n_boxes * 4;
		const float *scores = (const float *)c->in[1].bytes + which * n_boxes;
		uint64_t n = 0;
		uint64_t n_kept = 0;

		for (uint64_t i = 0; i < n_boxes; i++) {
			if (!l.has_score || scores[i] > l.score)
				room[n++] = key_of(scores[i], i);
		}
		heft_sort_keys(room, room + n_boxes, n);
		for (uint64_t i = 0; i < n && n_kept < l.most; i++) {
			const uint64_t at = room[i] & UINT32_MAX;
			bool is_free = true;
			struct box box;
			struct box better;

			read_box(boxes + 4 * at, l.is_centre, &box);
			for (uint64_t k = 0; k < n_kept && is_free; k++) {
				read_box(boxes + 4 * kept[k], l.is_centre, &better);
				is_free = !is_suppressed(&box, &better, l.overlap);
			}
			if (!is_free)
				continue;
			kept[n_kept++] = at;
			if (found) {
				found[3 * n_found] = (int64_t)(which / n_classes);
				found[3 * n_found + 1] = (int64_t)(which % n_classes);
				found[3 * n_found + 2] = (int64_t)at;
			}
			n_found++;
		}
	}
	return n_found;
}

static enum heft_status check(const struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype dtypes[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F32, HEFT_DTYPE_I64,
		                                  HEFT_DTYPE_F32, HEFT_DTYPE_F32 };
	const struct heft_array *boxes = &c->in[0];
	const struct heft_array *scores = &c->in[1];

	for (uint32_t i = 0; i < 5; i++) {
		if (!heft_call_has(c, i))
			continue;
		if (c->in[i].dtype != dtypes[i] || (i > 1 && c->in[i].n_elements > 1))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input %u is not of its kind", i);
		if (!c->in[i].bytes && c->in[i].n_elements > 0)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "input %u is not known", i);
	}
	if (boxes->rank != 3 || scores->rank != 3 || boxes->dims[2] != 4 ||
	    boxes->dims[0] != scores->dims[0] || boxes->dims[1] != scores->dims[2] ||
	    boxes->dims[1] > UINT32_MAX)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "boxes and scores do not go together");
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	uint64_t dims[2] = { 0, 3 };
	uint64_t *room;

	(void)heft_call_int(c, "center_point_box", 0);
	HEFT_TRY(check(c, err));
	if (c->in[1].n_elements > 0)
		c->scratch_size = c->in[0].dims[1] * 3 * sizeof *room;
	room = heft_alloc(c->scratch_size);
	if (!room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the boxes");
	dims[0] = find(c, room, NULL);
	heft_free(room);
	return heft_array_set(&c->out[0], HEFT_DTYPE_I64, 2, dims, err);
}

static void forward(const struct heft_call *c)
{
	if (c->out[0].n_elements > 0)
		find(c, c->scratch, c->out[0].bytes);
}

const struct heft_op heft_op_non_max_suppression = {
	.name = "NonMaxSuppression",
	.domain = "",
	.since = 10,
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 5,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4,
	.infer = infer,
	.forward = forward,
};
