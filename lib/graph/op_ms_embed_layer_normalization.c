/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_embed_layer_normalization.c - onnxruntime's EmbedLayerNormalization: the sum of a word's, a
 * place's and a segment's row, normalised (spec F6-51). A number of a row that is not there is
 * counted from behind if it is negative, and is that of the nearest row otherwise. */
#include <string.h>

#include "base/error.h"
#include "graph/layer.h"

/* Inputs, as onnxruntime numbers them. */
enum input {
	IDS,
	SEGMENTS,
	WORD_ROWS,
	PLACE_ROWS,
	SEGMENT_ROWS,
	SCALE,
	SHIFT,
	MASK,
	PLACES
};

static bool is_table(const struct heft_call *c, uint32_t i, uint64_t width)
{
	const struct heft_array *a = &c->in[i];

	return a->dtype == HEFT_DTYPE_F32 && a->rank == 2 && a->dims[1] == width && a->dims[0] > 0;
}

static bool is_numbers(const struct heft_call *c, uint32_t i)
{
	const struct heft_array *a = &c->in[i];

	return a->dtype == HEFT_DTYPE_I32 || a->dtype == HEFT_DTYPE_I64;
}

static enum heft_status check_inputs(const struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *ids = &c->in[IDS];
	const uint64_t width = c->in[WORD_ROWS].rank == 2 ? c->in[WORD_ROWS].dims[1] : 0;
	bool fits = ids->rank == 2 && is_numbers(c, IDS) && width > 0 &&
	            is_table(c, WORD_ROWS, width) && is_table(c, PLACE_ROWS, width);

	if (heft_call_has(c, SEGMENTS))
		fits = fits && is_numbers(c, SEGMENTS) &&
		       heft_array_same_shape(ids, &c->in[SEGMENTS]) &&
		       heft_call_has(c, SEGMENT_ROWS) && is_table(c, SEGMENT_ROWS, width);
	if (heft_call_has(c, MASK))
		fits = fits && is_numbers(c, MASK) && heft_array_same_shape(ids, &c->in[MASK]);
	if (heft_call_has(c, PLACES))
		fits = fits && is_numbers(c, PLACES) && c->in[PLACES].rank == 2 &&
		       (c->in[PLACES].dims[0] == 1 || c->in[PLACES].dims[0] == ids->dims[0]) &&
		       c->in[PLACES].dims[1] == ids->dims[1];
	if (fits)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "the inputs are not numbers of rows, and tables of rows of one width");
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct heft_layer *l = (struct heft_layer *)c->state;
	const struct heft_array *ids = &c->in[IDS];
	struct heft_array rows = { 0 };
	uint64_t dims[3];

	HEFT_TRY(check_inputs(c, err));
	dims[0] = ids->dims[0];
	dims[1] = ids->dims[1];
	dims[2] = c->in[WORD_ROWS].dims[1];
	HEFT_TRY(heft_array_set(&rows, HEFT_DTYPE_F32, 3, dims, err));
	HEFT_TRY(heft_layer_set(l, c, &rows, 2, SCALE, SHIFT, &c->scratch_size, err));
	l->epsilon = heft_call_float(c, "epsilon", 1e-12f);
	HEFT_TRY(heft_array_set(&c->out[0], HEFT_DTYPE_F32, 3, dims, err));
	if (c->n_out > 1)
		HEFT_TRY(heft_array_set(&c->out[1], HEFT_DTYPE_I32, 1, dims, err));
	if (c->n_out > 2)
		HEFT_TRY(heft_array_set(&c->out[2], HEFT_DTYPE_F32, 3, dims, err));
	return HEFT_OK;
}

static int64_t number_at(const struct heft_array *a, uint64_t i)
{
	return heft_load_integer(a->dtype,
	                         (const uint8_t *)a->bytes + i * heft_element_size(a->dtype));
}

static const float *row_at(const struct heft_array *table, int64_t i)
{
	const int64_t n = (int64_t)table->dims[0];

	if (i < 0)
		i = i < -n ? 0 : i + n;
	if (i >= n)
		i = n - 1;
	return (const float *)table->bytes + (uint64_t)i * table->dims[1];
}

static const float *place_row(const struct heft_call *c, uint64_t token)
{
	const uint64_t n_places = c->in[IDS].dims[1];

	if (!heft_call_has(c, PLACES))
		return row_at(&c->in[PLACE_ROWS], (int64_t)(token % n_places));
	return row_at(&c->in[PLACE_ROWS],
	              number_at(&c->in[PLACES], token % c->in[PLACES].n_elements));
}

static void run_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct heft_layer *l = (const struct heft_layer *)c->state;
	const uint32_t sums = heft_call_wants(c, 2) ? 2 : 0;
	struct heft_layer_arrays a = *(const struct heft_layer_arrays *)ctx;

	for (uint64_t token = first; token < first + n; token++) {
		const float *word = row_at(&c->in[WORD_ROWS], number_at(&c->in[IDS], token));
		const float *place = place_row(c, token);
		float *sum = (float *)c->out[sums].bytes + token * l->rows.n;

		for (uint64_t i = 0; i < l->rows.n; i++)
			sum[i] = word[i] + place[i];
		if (heft_call_has(c, SEGMENTS)) {
			const float *segment = row_at(&c->in[SEGMENT_ROWS],
			                              number_at(&c->in[SEGMENTS], token));

			for (uint64_t i = 0; i < l->rows.n; i++)
				sum[i] += segment[i];
		}
		if (!heft_call_wants(c, 0))
			continue;
		a.x = sum;
		a.y = (float *)c->out[0].bytes + token * l->rows.n;
		heft_layer_rows(c, l, &a, token, 1, worker);
	}
}

/* How many of each line of the mask are 1. */
static void count_masked(const struct heft_call *c)
{
	const uint64_t n = c->in[IDS].dims[1];

	for (uint64_t line = 0; line < c->in[IDS].dims[0]; line++) {
		int32_t count = 0;

		for (uint64_t i = 0; heft_call_has(c, MASK) && i < n; i++)
			count += number_at(&c->in[MASK], line * n + i) == 1 ? 1 : 0;
		((int32_t *)c->out[1].bytes)[line] = count;
	}
}

static void forward(const struct heft_call *c)
{
	const struct heft_layer *l = (const struct heft_layer *)c->state;
	const struct heft_layer_arrays a = {
		.scale = &c->in[SCALE],
		.shift = &c->in[SHIFT],
		.scratch = c->scratch_size > 0 ? c->scratch : NULL,
	};

	if (c->out[0].n_elements > 0 && (heft_call_wants(c, 0) || heft_call_wants(c, 2)))
		heft_spans_run(c, l->rows.n_outer, l->rows.n, run_rows, &a);
	if (heft_call_wants(c, 1))
		count_masked(c);
}

const struct heft_op heft_op_ms_embed_layer_normalization = {
	.name = "EmbedLayerNormalization",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 7,
	.max_in = 9,
	.min_out = 1,
	.max_out = 3,
	.infer = infer,
	.forward = forward,
};
