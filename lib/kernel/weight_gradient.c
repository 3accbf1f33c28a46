/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient.c - runs the tasks of a weight gradient.
 *
 * The terms of a piece come in blocks, so that what they read stays in the first two caches; the
 * sums of a tile go to memory between blocks. Blocks of 96 to 512 terms were alike (Zen 5). */
#include "kernel/weight_gradient.h"

#include <string.h>

#include "kernel/product_kernels.h"
#include "kernel/weight_gradient_kernels.h"

#define BLOCK 192

/* Lanes are copied side by side where so many tiles at least read them. */
#define TILES_FOR_COPY 4

/* Outputs of rows that a depthwise kernel takes together, about. */
#define TOGETHER 14

/* What one task has in its scratch. */
struct room {
	float *sums;            /* n_levels of them, of weights, then of biases */
	float *lanes;           /* of a block of terms, of one panel */
	float *zeros;           /* a pixel of them */
	float *windows;         /* of a thin image, a block of them */
	const float **raw_taps; /* term by term; of a depthwise product, row by row */
	const float **taps;     /* tap by tap, BLOCK of each */
	const float **dy;
	const float **ones;
	size_t *steps;
};

struct task {
	const struct heft_weight_gradient *g;
	const struct heft_weight_gradient_data *d;
	struct heft_gradient_part part;
	struct room room;
	float *sums;
	float *db;
	bool is_first;    /* the block of a piece */
	uintptr_t ahead;  /* bytes that the next block reads first, up to ahead_end; */
	uintptr_t behind; /* and then from here on */
	uintptr_t ahead_end;
	uintptr_t behind_end;
};

static const float one = 1;

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The next n bytes of scratch, or how far they reach if there is none yet. */
static void *take(unsigned char *scratch, size_t *at, size_t n)
{
	const size_t begin = *at;

	*at += (n + HEFT_PRODUCT_ALIGN - 1) / HEFT_PRODUCT_ALIGN * HEFT_PRODUCT_ALIGN;
	return scratch ? scratch + begin : NULL;
}

static size_t rows_together(const struct heft_product *p)
{
	return p->out[2] < TOGETHER ? TOGETHER / (p->out[2] ? p->out[2] : 1) : 1;
}

/* Floats from one window to the next: whole vectors. */
static size_t windows_ld(const struct heft_weight_gradient *g)
{
	const size_t vector = g->kernels->vector;

	return (g->p.n_terms + vector - 1) / vector * vector;
}

static size_t lay_out(const struct heft_weight_gradient *g, unsigned char *scratch,
                      struct room *room)
{
	const struct heft_product *p = &g->p;
	size_t at = 0;

	room->sums = take(scratch, &at, g->n_levels * (g->block + g->block_db) * sizeof(float));
	if (p->is_depthwise) {
		const size_t n_lines = rows_together(p) * p->kernel[0] * p->kernel[1];

		room->raw_taps = take(scratch, &at, n_lines * sizeof(float *));
		return at;
	}
	room->raw_taps = take(scratch, &at, BLOCK * p->n_taps * sizeof(float *));
	room->taps = take(scratch, &at, BLOCK * p->n_taps * sizeof(float *));
	room->dy = take(scratch, &at, BLOCK * sizeof(float *));
	room->ones = take(scratch, &at, BLOCK * sizeof(float *));
	room->steps = take(scratch, &at, p->n_taps * sizeof(size_t));
	room->lanes = take(scratch, &at, BLOCK * HEFT_GRADIENT_LANES * sizeof(float));
	room->zeros = take(scratch, &at, p->n_groups * p->n_in * sizeof(float));
	room->windows = take(scratch, &at, g->is_thin ? BLOCK * windows_ld(g) * sizeof(float) : 0);
	return at;
}

/* --- a block of terms --- */

/* Where the terms from `begin` on find their input, tap by tap. */
static void find_taps(const struct task *k, size_t begin, size_t n)
{
	const struct heft_product *p = &k->g->p;
	const struct room *room = &k->room;

	if (k->g->is_thin) {
		const size_t ld = windows_ld(k->g);

		heft_gradient_windows(p, k->d->x, begin, n, room->windows, ld);
		for (size_t i = 0; i < n; i++)
			room->taps[i] = room->windows + i * ld;
		return;
	}
	if (p->n_taps == 1) {
		heft_product_taps(p, k->d->x, room->zeros, room->steps, begin, n, room->taps);
		return;
	}
	heft_product_taps(p, k->d->x, room->zeros, room->steps, begin, n, room->raw_taps);
	for (size_t i = 0; i < n; i++)
		for (size_t t = 0; t < p->n_taps; t++)
			room->taps[t * BLOCK + i] = room->raw_taps[i * p->n_taps + t];
}

/* What the next block will read, while this one is worked on: without it 5-30 % slower (Zen 5). */
static void look_ahead(struct task *k, size_t next, size_t end)
{
	const struct heft_product *p = &k->g->p;
	const size_t n = min_of(BLOCK, end - next);

	k->ahead = (uintptr_t)(k->d->dy + next * p->y_ld);
	k->ahead_end = k->ahead + n * p->y_ld * sizeof(float);
	k->behind = k->behind_end = 0;
	if (p->is_linear) {
		k->behind = (uintptr_t)(k->d->x + next * p->x_ld);
		k->behind_end = k->behind + n * p->x_ld * sizeof(float);
	}
}

static uintptr_t next_ahead(struct task *k, size_t n_terms)
{
	uintptr_t at;

	if (k->ahead >= k->ahead_end) {
		k->ahead = k->behind;
		k->ahead_end = k->behind_end;
		k->behind = k->behind_end = 0;
	}
	if (k->ahead >= k->ahead_end)
		return 0;
	at = k->ahead;
	k->ahead += 128 * n_terms;
	return at;
}

/* What the tiles read side by side. */
struct lanes {
	const float *at;
	size_t ld;
	size_t n_vectors;
};

static struct lanes copy_lanes(const struct task *k, const float *const *from, size_t at,
                               size_t n_lanes, size_t n_vectors, size_t n)
{
	k->g->kernels->copy_lanes(from, at, n, n_lanes, n_vectors, k->room.lanes);
	return (struct lanes){ k->room.lanes, n_vectors * k->g->kernels->vector, n_vectors };
}

/* As they lie, where they are few, or wanted once. */
static struct lanes take_lanes(const struct task *k, const float *const *from, size_t ld, size_t at,
                               const struct heft_gradient_panel *panel, size_t n_rows, size_t n)
{
	const size_t width = panel->n_vectors * k->g->kernels->vector;
	const size_t n_most = k->g->kernels->n_rows[panel->n_vectors];

	if (ld > 0 && panel->n_lanes == width &&
	    (ld == width || n_rows < n_most * (TILES_FOR_COPY - 1)))
		return (struct lanes){ from[0] + at, ld, panel->n_vectors };
	return copy_lanes(k, from, at, panel->n_lanes, panel->n_vectors, n);
}

/* Sums of n_rows rows from the pointers' place `at` on, in tiles as even as possible. */
static void add_rows(struct task *k, const float *const *rows, size_t at, size_t n_rows,
                     const struct lanes *lanes, size_t n_terms, float *sums)
{
	const struct heft_weight_gradient_kernels *kernels = k->g->kernels;
	const size_t n_most = kernels->n_rows[lanes->n_vectors];
	const size_t n_tiles = (n_rows + n_most - 1) / n_most;
	struct heft_gradient_tile t = { .n_terms = n_terms,
		                        .rows = rows,
		                        .at = at,
		                        .lanes = lanes->at,
		                        .lanes_ld = lanes->ld,
		                        .sums = sums,
		                        .is_first = k->is_first };

	for (size_t i = 0; i < n_tiles; i++) {
		const size_t n = n_rows / n_tiles + (i < n_rows % n_tiles);

		t.ahead = next_ahead(k, n_terms);
		kernels->tiles[lanes->n_vectors][n](&t);
		t.at += n;
		t.sums += n * lanes->n_vectors * kernels->vector;
	}
}

/* Lanes are output channels: those of a panel meet every tap. */
static void add_straight(struct task *k, size_t group, size_t n, float *sums, float *db)
{
	const struct heft_weight_gradient *g = k->g;
	const struct heft_product *p = &g->p;
	const struct heft_gradient_part *part = &k->part;

	for (size_t i = part->panel; i < part->panel_end; i++) {
		const struct heft_gradient_panel panel = heft_gradient_panel(g, i);
		const size_t width = panel.n_vectors * g->kernels->vector;
		const struct lanes lanes = take_lanes(k, k->room.dy, p->y_ld,
		                                      group * p->n_out + panel.lane, &panel,
		                                      part->n_rows * g->n_taps, n);

		for (size_t t = 0; t < g->n_taps; t++, sums += part->n_rows * width)
			add_rows(k, k->room.taps + t * BLOCK, group * p->n_in + part->row,
			         part->n_rows, &lanes, n, sums);
		if (db)
			add_rows(k, k->room.ones, 0, 1, &lanes, n, db + panel.lane - part->lane);
	}
}

/* Biases where lanes are input channels. */
static void add_channels(struct task *k, size_t group, size_t n, float *db)
{
	const struct heft_weight_gradient *g = k->g;
	const size_t vector = g->kernels->vector;
	const size_t most = g->kernels->n_panel_vectors * vector;
	const size_t n_channels = k->part.n_channels;
	const size_t first = group * g->p.n_out + k->part.db_channel;

	for (size_t c = 0; c < n_channels; c += most) {
		const size_t n_lanes = min_of(most, n_channels - c);
		const struct lanes lanes = copy_lanes(k, k->room.dy, first + c, n_lanes,
		                                      (n_lanes + vector - 1) / vector, n);

		add_rows(k, k->room.ones, 0, 1, &lanes, n, db + c);
	}
}

/* Lanes are input channels. */
static void add_swapped(struct task *k, size_t group, size_t n, float *sums, float *db)
{
	const struct heft_weight_gradient *g = k->g;
	const struct heft_product *p = &g->p;
	const struct heft_gradient_part *part = &k->part;
	const size_t ld = g->is_thin ? windows_ld(g) : p->is_linear ? p->x_ld : 0;

	for (size_t i = part->panel; i < part->panel_end; i++) {
		struct heft_gradient_panel panel = heft_gradient_panel(g, i);
		const size_t width = panel.n_vectors * g->kernels->vector;

		if (g->is_thin) /* zeros fill the last vector */
			panel.n_lanes = width;
		for (size_t t = 0; t < g->n_taps; t++, sums += part->n_rows * width) {
			const struct lanes lanes = take_lanes(k, k->room.taps + t * BLOCK, ld,
			                                      group * p->n_in + panel.lane, &panel,
			                                      part->n_rows, n);

			add_rows(k, k->room.dy, group * p->n_out + part->row, part->n_rows, &lanes,
			         n, sums);
		}
	}
	if (db)
		add_channels(k, group, n, db);
}

static void run_dense(struct task *k, size_t begin, size_t end, size_t last)
{
	const struct heft_weight_gradient *g = k->g;
	const struct heft_gradient_part *part = &k->part;
	const size_t n_sums = g->n_taps * part->n_rows * part->n_lanes;

	for (size_t at = begin; at < end; at += BLOCK) {
		const size_t n = min_of(BLOCK, end - at);

		k->is_first = at == begin;
		find_taps(k, at, n);
		for (size_t i = 0; i < n; i++)
			k->room.dy[i] = k->d->dy + (at + i) * g->p.y_ld;
		look_ahead(k, at + n, at + n < last ? last : at + n);
		for (size_t i = 0; i < part->n_groups; i++) {
			float *sums = k->sums + i * n_sums;
			float *db = k->db ? k->db + i * part->n_db : NULL;

			if (g->is_swapped)
				add_swapped(k, part->group + i, n, sums, db);
			else
				add_straight(k, part->group + i, n, sums, db);
		}
	}
}

/* --- depthwise --- */

/* The input's rows for output row `row`, counted over all images; what the next one needs and this
 * one does not is *ahead. */
static void find_rows(const struct task *k, size_t row, const float **x, uintptr_t *ahead)
{
	const struct heft_product *p = &k->g->p;
	const size_t oh = row % p->out[1];
	const size_t od = row / p->out[1] % p->out[0];
	const size_t image = row / p->out[1] / p->out[0];
	const size_t row_size = p->in[2] * p->x_ld;
	size_t at[2];

	for (size_t t = 0; t < p->kernel[0] * p->kernel[1]; t++) {
		x[t] = NULL;
		if (!heft_product_tap(p, 0, od, t / p->kernel[1], &at[0]) ||
		    !heft_product_tap(p, 1, oh, t % p->kernel[1], &at[1]))
			continue;
		x[t] = k->d->x + ((image * p->in[0] + at[0]) * p->in[1] + at[1]) * row_size;
		*ahead = (uintptr_t)(x[t] + row_size);
	}
}

/* All panels of some rows. */
static void add_panels(struct task *k, struct heft_gradient_rows *r)
{
	const struct heft_weight_gradient *g = k->g;
	float *sums = k->sums;

	for (size_t i = k->part.panel; i < k->part.panel_end; i++) {
		const struct heft_gradient_panel panel = heft_gradient_panel(g, i);

		r->channel = panel.lane;
		r->n_channels = panel.n_lanes;
		r->ld = panel.n_vectors * g->kernels->vector;
		r->sums = sums;
		r->db = k->db ? k->db + panel.lane - k->part.lane : NULL;
		sums += g->n_rows * r->ld;
		g->kernels->depthwise_rows(r);
	}
}

/* Short rows are taken together: the sums stay in registers meanwhile. */
static void run_rows(struct task *k, size_t begin, size_t end)
{
	const struct heft_weight_gradient *g = k->g;
	const struct heft_product *p = &g->p;
	const size_t n_window_rows = p->kernel[0] * p->kernel[1];
	const float **x = k->room.raw_taps;

	memset(k->sums, 0, g->n_rows * k->part.n_lanes * sizeof(float));
	if (k->db)
		memset(k->db, 0, k->part.n_db * sizeof(float));
	for (size_t at = begin; at < end;) {
		const size_t row = at / p->out[2];
		const size_t n_rows = min_of(rows_together(p), (end - 1) / p->out[2] - row + 1);
		const size_t last = (row + n_rows) * p->out[2];
		struct heft_gradient_rows r = { .p = p,
			                        .n_rows = n_rows,
			                        .x = x,
			                        .dy = k->d->dy + row * p->out[2] * p->y_ld,
			                        .begin = at % p->out[2] };

		r.end = p->out[2] - (last < end ? 0 : last - end);
		for (size_t i = 0; i < n_rows; i++)
			find_rows(k, row + i, x + i * n_window_rows, &r.x_ahead);
		r.dy_ahead = (uintptr_t)(k->d->dy + last * p->y_ld);
		add_panels(k, &r);
		at = min_of(last, end);
	}
}

/* --- tasks --- */

static void run_pieces(struct task *k, size_t first, size_t last)
{
	const struct heft_weight_gradient *g = k->g;
	const size_t n = g->block + g->block_db;
	const size_t end = min_of(last * HEFT_PRODUCT_PIECE, g->p.n_pixels);
	float *at = k->room.sums;

	for (size_t q = first; q < last; q++) {
		const size_t begin = q * HEFT_PRODUCT_PIECE;

		k->sums = at;
		k->db = k->d->db && k->part.has_db ? at + g->block : NULL;
		if (g->p.is_depthwise)
			run_rows(k, begin, min_of(begin + HEFT_PRODUCT_PIECE, end));
		else
			run_dense(k, begin, min_of(begin + HEFT_PRODUCT_PIECE, end), end);
		at = heft_gradient_meet(at, n, q - first);
	}
	if (first == last)
		memset(at, 0, n * sizeof *at);
	else
		heft_gradient_meet_all(k->room.sums, at, n);
}

void heft_weight_gradient_run(const struct heft_weight_gradient *g,
                              const struct heft_weight_gradient_data *d, size_t i, void *scratch)
{
	const size_t run = i / (g->group_cuts * g->panel_cuts * g->row_cuts);
	struct task k = { .g = g, .d = d, .part = heft_gradient_part(g, i) };

	lay_out(g, scratch, &k.room);
	if (!g->p.is_depthwise) {
		const struct heft_product *p = &g->p;

		memset(k.room.zeros, 0, p->n_groups * p->n_in * sizeof *k.room.zeros);
		if (g->is_thin)
			memset(k.room.windows, 0, BLOCK * windows_ld(g) * sizeof *k.room.windows);
		heft_product_steps(p, k.room.steps);
		for (size_t t = 0; t < BLOCK; t++)
			k.room.ones[t] = &one;
	}
	run_pieces(&k, run * g->run, min_of((run + 1) * g->run, g->n_pieces));
	heft_gradient_leave(g, d, &k.part, run, k.room.sums, k.room.sums + g->block);
}

static size_t n_joined_floats(const struct heft_weight_gradient *g)
{
	const size_t n = g->join_rows * g->n_taps * HEFT_GRADIENT_LANES;

	return n > HEFT_GRADIENT_JOINED_DB ? n : HEFT_GRADIENT_JOINED_DB;
}

size_t heft_gradient_scratch(const struct heft_weight_gradient *g)
{
	struct room room;
	const size_t running = lay_out(g, NULL, &room);
	size_t joining = heft_gradient_levels(g->n_runs) * n_joined_floats(g) * sizeof(float);

	if (g->n_runs == 1)
		return running;
	joining = (joining + HEFT_PRODUCT_ALIGN - 1) / HEFT_PRODUCT_ALIGN * HEFT_PRODUCT_ALIGN;
	return running > joining ? running : joining;
}
