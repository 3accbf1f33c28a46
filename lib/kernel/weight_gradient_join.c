/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient_join.c - sums of runs of terms meet, and go to where they belong. */
#include <string.h>

#include "kernel/weight_gradient_kernels.h"

float *heft_gradient_meet(float *at, size_t n, size_t q)
{
	for (size_t c = q + 1; c % 2 == 0; c /= 2) {
		float *before = at - n;

		for (size_t i = 0; i < n; i++)
			before[i] += at[i];
		at = before;
	}
	return at + n;
}

void heft_gradient_meet_all(float *first, float *end, size_t n)
{
	for (float *at = end - n; at > first; at -= n)
		for (size_t i = 0; i < n; i++)
			(at - n)[i] += at[i];
}

/* Where the sums of a panel's rows are in those of a run: tap t's are n_rows * width further. */
static size_t place_of(const struct heft_weight_gradient *g, size_t group, size_t lane)
{
	return g->n_taps * g->n_rows * (group * g->n_vectors * g->kernels->vector + lane);
}

/* Where biases are. */
static const float *biases_of(const struct heft_weight_gradient *g, const float *sums)
{
	const size_t n = g->p.n_groups * g->p.n_out;
	const size_t vector = g->kernels->vector;

	return sums + g->n_sums - (n + vector - 1) / vector * vector;
}

static void leave_panel(const struct heft_weight_gradient *g,
                        const struct heft_weight_gradient_data *d,
                        const struct heft_gradient_part *part, size_t run, size_t group, size_t i,
                        const float *sums)
{
	const struct heft_gradient_panel panel = heft_gradient_panel(g, i);
	const size_t width = panel.n_vectors * g->kernels->vector;
	float *to;

	if (g->n_runs == 1) {
		heft_gradient_put(g, d, group, i, part->row, part->n_rows, sums);
		return;
	}
	to = d->sums + run * g->n_sums + place_of(g, group, panel.lane) + part->row * width;
	for (size_t t = 0; t < g->n_taps; t++)
		memcpy(to + t * g->n_rows * width, sums + t * part->n_rows * width,
		       part->n_rows * width * sizeof *to);
}

static void leave_biases(const struct heft_weight_gradient *g,
                         const struct heft_weight_gradient_data *d,
                         const struct heft_gradient_part *part, size_t run, size_t group,
                         const float *db)
{
	const size_t channel = group * g->p.n_out + part->db_channel;

	if (g->n_runs == 1) {
		for (size_t c = 0; c < part->n_channels; c++)
			d->db[channel + c] = db[c] + 0.0f;
	} else {
		const float *run_sums = d->sums + run * g->n_sums;
		const size_t at = (size_t)(biases_of(g, run_sums) - d->sums) + channel;

		memcpy(d->sums + at, db, part->n_channels * sizeof *db);
	}
}

void heft_gradient_leave(const struct heft_weight_gradient *g,
                         const struct heft_weight_gradient_data *d,
                         const struct heft_gradient_part *part, size_t run, const float *sums,
                         const float *db)
{
	for (size_t group = part->group; group < part->group + part->n_groups; group++) {
		for (size_t i = part->panel; i < part->panel_end; i++) {
			const struct heft_gradient_panel panel = heft_gradient_panel(g, i);

			leave_panel(g, d, part, run, group, i, sums);
			sums += g->n_taps * part->n_rows * panel.n_vectors * g->kernels->vector;
		}
		if (d->db && part->has_db)
			leave_biases(g, d, part, run, group, db);
		db += part->n_db;
	}
}

/* --- tasks of joining --- */

static void join_rows(const struct heft_weight_gradient *g,
                      const struct heft_weight_gradient_data *d, size_t group, size_t i, size_t row,
                      float *scratch)
{
	const struct heft_gradient_panel panel = heft_gradient_panel(g, i);
	const size_t width = panel.n_vectors * g->kernels->vector;
	const size_t left = g->n_rows - row;
	const size_t n_rows = left < g->join_rows ? left : g->join_rows;
	const size_t n = n_rows * width;
	const float *from = d->sums + place_of(g, group, panel.lane) + row * width;
	float *at = scratch;

	for (size_t q = 0; q < g->n_runs; q++, from += g->n_sums) {
		for (size_t t = 0; t < g->n_taps; t++)
			memcpy(at + t * n, from + t * g->n_rows * width, n * sizeof *at);
		at = heft_gradient_meet(at, g->n_taps * n, q);
	}
	heft_gradient_meet_all(scratch, at, g->n_taps * n);
	heft_gradient_put(g, d, group, i, row, n_rows, scratch);
}

static void join_biases(const struct heft_weight_gradient *g,
                        const struct heft_weight_gradient_data *d, float *scratch)
{
	const size_t n_all = g->p.n_groups * g->p.n_out;

	for (size_t c = 0; c < n_all; c += HEFT_GRADIENT_JOINED_DB) {
		const size_t left = n_all - c;
		const size_t n = left < HEFT_GRADIENT_JOINED_DB ? left : HEFT_GRADIENT_JOINED_DB;
		const float *from = biases_of(g, d->sums) + c;
		float *at = scratch;

		for (size_t q = 0; q < g->n_runs; q++, from += g->n_sums) {
			memcpy(at, from, n * sizeof *at);
			at = heft_gradient_meet(at, n, q);
		}
		heft_gradient_meet_all(scratch, at, n);
		for (size_t i = 0; i < n; i++)
			d->db[c + i] = scratch[i] + 0.0f;
	}
}

void heft_weight_gradient_join(const struct heft_weight_gradient *g,
                               const struct heft_weight_gradient_data *d, size_t i, void *scratch)
{
	const size_t n_cuts = (g->n_rows + g->join_rows - 1) / (g->join_rows ? g->join_rows : 1);

	if (i == g->n_join_tasks - 1) {
		if (d->db)
			join_biases(g, d, scratch);
		return;
	}
	join_rows(g, d, i / n_cuts / g->n_panels, i / n_cuts % g->n_panels,
	          i % n_cuts * g->join_rows, scratch);
}
