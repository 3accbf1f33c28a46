/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient_cut.c - cuts a weight gradient into tasks.
 *
 * A task takes a run of pieces of terms, one after the other, for a part of the weights whose sums
 * stay in the second cache. Where there is more than one run, its sums go to memory, and other
 * tasks join them. A run is a power of two pieces, so what it comes to is a node of the tree of
 * spec F2-1. */
#include "base/cpu.h"
#include "kernel/weight_gradient_kernels.h"

/* Sums of one task, in bytes, that stay in the second cache. */
#define SUMS_IN_CACHE ((size_t)256 << 10)

/* Tasks for each thread, where there is more than one. */
#define TASKS_A_THREAD 4

/* Rows that are worth a task of their own. */
#define LEAST_ROWS 12

/* Floats that a task of joining makes, about. */
#define JOINED 4096

/* Channels of a window whose taps are copied side by side, at most. */
#define THIN 15

struct variant {
	uint32_t needs;
	const struct heft_weight_gradient_kernels *kernels;
};

static const struct variant variants[] = {
#ifdef HEFT_TARGET_AVX512
	{ HEFT_CPU_AVX512, &heft_weight_gradient_avx512 },
#endif
#ifdef HEFT_TARGET_AVX2
	{ HEFT_CPU_AVX2, &heft_weight_gradient_avx2 },
#endif
	{ 0, &heft_weight_gradient_scalar },
};

static size_t ceil_div(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t fill_up(const struct heft_weight_gradient *g, size_t n)
{
	return ceil_div(n, g->kernels->vector) * g->kernels->vector;
}

/* Few channels, the window's row in the image one run of memory. */
static bool is_thin(const struct heft_product *p)
{
	return p->n_in > 0 && p->n_in <= THIN && p->n_groups == 1 && p->n_taps > 1 &&
	       p->n_terms <= HEFT_GRADIENT_THIN_TERMS && p->dilation[2] == 1 && p->x_ld == p->n_in;
}

/* Of rows of a matrix either factor lies ready, and the one with more channels fills its vectors
 * better (up to 1.7 times the speed of 96 x 24, Zen 5). Input channels of a window are copied
 * first, tap by tap, which is worth it where output channels fill less than half a vector. */
static bool is_better_swapped(const struct heft_weight_gradient *g)
{
	const struct heft_product *p = &g->p;
	const size_t vector = g->kernels->vector;

	if (g->is_thin)
		return ceil_div(p->n_terms, vector) * p->n_out <
		       ceil_div(p->n_out, vector) * p->n_terms;
	if (p->is_linear)
		return p->n_in > p->n_out;
	return 2 * p->n_out <= vector && p->n_in > p->n_out;
}

static size_t n_groups_of(const struct heft_weight_gradient *g)
{
	return g->p.is_depthwise ? 1 : g->p.n_groups;
}

static void set_sides(struct heft_weight_gradient *g)
{
	const struct heft_product *p = &g->p;

	if (p->is_depthwise) {
		g->n_taps = 1;
		g->n_rows = p->n_taps;
		g->n_lanes = p->n_groups;
	} else {
		const size_t n = g->is_thin ? p->n_terms : p->n_in;

		g->is_swapped = is_better_swapped(g);
		g->n_taps = g->is_thin ? 1 : p->n_taps;
		g->n_rows = g->is_swapped ? p->n_out : n;
		g->n_lanes = g->is_swapped ? n : p->n_out;
	}
	g->n_vectors = ceil_div(g->n_lanes, g->kernels->vector);
	g->n_panels = ceil_div(g->n_vectors, g->kernels->n_panel_vectors);
	g->n_pieces = ceil_div(p->n_pixels, HEFT_PRODUCT_PIECE);
	g->n_sums = n_groups_of(g) * g->n_taps * g->n_rows * g->n_vectors * g->kernels->vector +
	            fill_up(g, p->n_groups * p->n_out);
}

static size_t n_parts(const struct heft_weight_gradient *g)
{
	return g->group_cuts * g->panel_cuts * g->row_cuts;
}

static void set_blocks(struct heft_weight_gradient *g)
{
	const size_t n_groups = ceil_div(n_groups_of(g), g->group_cuts);
	const size_t n_panels = ceil_div(g->n_panels, g->panel_cuts);
	const size_t n_rows = ceil_div(g->n_rows, g->row_cuts);
	const size_t n_lanes = min_of(g->n_vectors, n_panels * g->kernels->n_panel_vectors) *
	                       g->kernels->vector;

	g->block = n_groups * g->n_taps * n_rows * n_lanes;
	g->block_db = n_groups * (g->is_swapped ? fill_up(g, n_rows) : n_lanes);
}

static void cut_parts(struct heft_weight_gradient *g, size_t n_wanted)
{
	g->group_cuts = g->panel_cuts = g->row_cuts = 1;
	for (;;) {
		const bool is_few = g->n_pieces * n_parts(g) < n_wanted;

		set_blocks(g);
		if (!is_few && g->block * sizeof(float) <= SUMS_IN_CACHE)
			return;
		if (g->group_cuts < n_groups_of(g))
			g->group_cuts = min_of(2 * g->group_cuts, n_groups_of(g));
		else if (g->panel_cuts < g->n_panels)
			g->panel_cuts = min_of(2 * g->panel_cuts, g->n_panels);
		else if (g->row_cuts < g->n_rows / LEAST_ROWS && !g->is_thin && !g->p.is_depthwise)
			g->row_cuts++;
		else
			return;
	}
}

static void cut_runs(struct heft_weight_gradient *g, size_t n_wanted)
{
	g->run = 1;
	while (g->run < g->n_pieces && ceil_div(g->n_pieces, 2 * g->run) * n_parts(g) >= n_wanted)
		g->run *= 2;
	g->n_runs = g->n_pieces ? ceil_div(g->n_pieces, g->run) : 1;
	g->n_levels = heft_gradient_levels(min_of(g->run, g->n_pieces));
}

static void cut_joining(struct heft_weight_gradient *g)
{
	const size_t row = g->n_taps * HEFT_GRADIENT_LANES;

	g->n_join_tasks = 0;
	g->sums_size = 0;
	g->join_rows = row < JOINED ? min_of(JOINED / row, g->n_rows) : 1;
	if (g->is_thin)
		g->join_rows = g->n_rows; /* they are taps as well */
	if (g->n_runs == 1)
		return;
	g->sums_size = g->n_runs * g->n_sums * sizeof(float);
	/* the last one joins biases */
	g->n_join_tasks = 1;
	if (g->n_rows > 0)
		g->n_join_tasks += n_groups_of(g) * g->n_panels * ceil_div(g->n_rows, g->join_rows);
}

/* Taps are looked at one by one here. */
static void leave_apart(struct heft_product *p)
{
	if (p->is_joined) {
		p->is_joined = false;
		p->n_taps *= p->kernel[2];
		p->run = p->n_in;
	}
}

void heft_weight_gradient_init_by(uint32_t cpu_bits, struct heft_weight_gradient *g)
{
	const struct variant *v = variants;
	size_t n_wanted;

	while ((v->needs & cpu_bits) != v->needs)
		v++;
	g->kernels = v->kernels;
	g->is_swapped = false;
	heft_product_init_by(cpu_bits, &g->p);
	leave_apart(&g->p);
	g->is_thin = is_thin(&g->p);
	set_sides(g);
	n_wanted = g->n_threads > 1 ? TASKS_A_THREAD * g->n_threads : 1;
	cut_parts(g, n_wanted);
	cut_runs(g, n_wanted);
	cut_joining(g);
	g->n_tasks = g->n_panels == 0 ? 0 : n_parts(g) * g->n_runs;
	if (g->n_tasks == 0)
		g->n_join_tasks = 0;
	g->scratch_size = heft_gradient_scratch(g);
}

void heft_weight_gradient_init(struct heft_weight_gradient *g)
{
	heft_weight_gradient_init_by(heft_cpu_bits(), g);
}

/* [*begin, *begin + *n) is cut `i` of `cuts` of n_all. */
static void cut_of(size_t n_all, size_t cuts, size_t i, size_t *begin, size_t *n)
{
	const size_t least = n_all / cuts;
	const size_t n_wider = n_all % cuts;

	*begin = i * least + min_of(i, n_wider);
	*n = least + (i < n_wider);
}

struct heft_gradient_part heft_gradient_part(const struct heft_weight_gradient *g, size_t i)
{
	const size_t rows = i % g->row_cuts;
	const size_t panels = i / g->row_cuts % g->panel_cuts;
	const size_t groups = i / g->row_cuts / g->panel_cuts % g->group_cuts;
	struct heft_gradient_part part;
	struct heft_gradient_panel last;
	size_t n_panels;

	cut_of(n_groups_of(g), g->group_cuts, groups, &part.group, &part.n_groups);
	cut_of(g->n_panels, g->panel_cuts, panels, &part.panel, &n_panels);
	cut_of(g->n_rows, g->row_cuts, rows, &part.row, &part.n_rows);
	part.panel_end = part.panel + n_panels;
	last = heft_gradient_panel(g, part.panel_end - 1);
	part.lane = heft_gradient_panel(g, part.panel).lane;
	part.n_lanes = last.lane + last.n_vectors * g->kernels->vector - part.lane;
	if (g->is_swapped) {
		part.has_db = part.panel == 0;
		part.db_channel = part.row;
		part.n_channels = part.n_rows;
		part.n_db = fill_up(g, part.n_rows);
	} else {
		part.has_db = part.row == 0;
		part.db_channel = part.lane;
		part.n_channels = last.lane + last.n_lanes - part.lane;
		part.n_db = part.n_lanes;
	}
	return part;
}
