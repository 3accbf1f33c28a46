/* SPDX-License-Identifier: Apache-2.0 */
/* product.c - cuts a product into tasks and tiles.
 *
 * A task is a block of pixels times some panels, or all of them if they fit into the second cache
 * together: then a strip of pixels meets one panel after the other while it lies in the first. */
#include "kernel/product.h"

#include <string.h>

#include "base/cpu.h"
#include "kernel/product_kernels.h"

/* Pixels a task, at most about; and pixels that meet all of a task's panels in turn, about. */
#define BLOCK 480
#define STRIP 24

/* So many tasks at least, where there are pixels for them: threads share them evenly. */
#define N_TASKS 32

/* All panels together, in bytes, that a strip meets in turn. */
#define PANELS_IN_CACHE ((size_t)256 << 10)

/* Larger outputs go past the caches, which took wide layers of 1 x 1 to 1.9 times the speed
 * (Zen 5): no line is read only to be overwritten. */
#define STREAM_FROM ((size_t)3 << 20)

/* Output values that a task of a depthwise product makes, about. */
#define DEPTHWISE_TASK 32768

/* Rows of the input, in bytes, that the windows of a depthwise product find in the first cache:
 * 7 x 7 pixels of 960 channels with all of a row together found them in the second. */
#define ROWS_IN_CACHE ((size_t)24 << 10)

/* Phases of a transposed product: with longer strides outputs stay as they come. */
#define MOST_PHASES 64

/* Input channels of a window whose rows are made runs by copying. */
#define THIN 15

struct variant {
	uint32_t needs;
	const struct heft_product_kernels *kernels;
};

static const struct variant variants[] = {
#ifdef HEFT_TARGET_AVX512
	{ HEFT_CPU_AVX512, &heft_product_avx512 },
#endif
#ifdef HEFT_TARGET_AVX2
	{ HEFT_CPU_AVX2, &heft_product_avx2 },
#endif
	{ 0, &heft_product_scalar },
};

/* What one task has in its scratch. */
struct room {
	float *zeros;       /* a run of them */
	float *junk;        /* where rows behind the last pixel go */
	float *sums;        /* of pieces, tile by tile */
	size_t *steps;      /* n_taps */
	const float **taps; /* of a strip and HEFT_TILE_ROWS pixels more */
	size_t *which;      /* of a phase: its taps, */
	size_t *pixels;     /* and its pixels, of a strip */
};

static size_t ceil_div(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t round_up(size_t n)
{
	return ceil_div(n, HEFT_PRODUCT_ALIGN) * HEFT_PRODUCT_ALIGN;
}

/* Strips end where tiles do, of both widths that panels have. */
static size_t choose_strip(const struct heft_product *p)
{
	const size_t a = p->kernels->tiles[ceil_div(p->n_vectors, p->n_panels)].n_rows;
	const size_t b = p->kernels->tiles[p->n_vectors / p->n_panels].n_rows;
	size_t strip = a;

	while (strip % b != 0)
		strip += a;
	return p->n_panels == 1 ? a : ceil_div(STRIP, strip) * strip;
}

static size_t n_sums(const struct heft_product *p)
{
	size_t n = 1;

	for (size_t left = ceil_div(p->n_terms, HEFT_PRODUCT_PIECE); left > 1; left /= 2)
		n++;
	return n + 1;
}

static size_t lay_out(const struct heft_product *p, unsigned char *scratch, struct room *room)
{
	const size_t zeros = 0;
	const size_t junk = zeros + round_up(p->run * sizeof(float));
	const size_t sums = junk + HEFT_TILE_FLOATS * sizeof(float);
	const size_t steps = sums + n_sums(p) * HEFT_TILE_FLOATS * sizeof(float);
	const size_t taps = steps + round_up(p->n_taps * sizeof(size_t));
	const size_t n = (p->strip + HEFT_TILE_ROWS) * p->n_taps;
	const size_t which = taps + round_up(n * sizeof(float *));
	const size_t pixels = which + round_up(p->n_phases ? p->n_taps * sizeof(size_t) : 0);

	if (scratch) {
		room->zeros = (float *)(void *)(scratch + zeros);
		room->junk = (float *)(void *)(scratch + junk);
		room->sums = (float *)(void *)(scratch + sums);
		room->steps = (size_t *)(void *)(scratch + steps);
		room->taps = (const float **)(void *)(scratch + taps);
		room->which = (size_t *)(void *)(scratch + which);
		room->pixels = (size_t *)(void *)(scratch + pixels);
	}
	return pixels + round_up(p->n_phases ? p->strip * sizeof(size_t) : 0);
}

/* Numbers of taps and runs. A row of the window is one run where its pixels lie side by side with
 * nothing between them and none is padding. */
static void set_terms(struct heft_product *p)
{
	const size_t reach = (p->out[2] ? (p->out[2] - 1) * p->stride[2] : 0) +
	                     (p->kernel[2] ? (p->kernel[2] - 1) * p->dilation[2] : 0);
	bool is_one = true;

	p->n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
	p->n_terms = p->n_taps * p->n_in;
	p->run = p->n_in;
	for (size_t axis = 0; axis < 3; axis++)
		is_one = is_one && p->kernel[axis] == 1 && p->stride[axis] == 1 &&
		         p->pad[axis] == 0 && p->in[axis] == p->out[axis];
	p->is_linear = is_one;
	p->is_joined = !p->is_transposed && p->n_groups == 1 && p->kernel[2] > 1 &&
	               p->dilation[2] == 1 && p->pad[2] == 0 && p->x_ld == p->n_in &&
	               reach < p->in[2];
	if (p->is_joined) {
		p->n_taps /= p->kernel[2];
		p->run *= p->kernel[2];
	}
}

/* Channels of a depthwise product whose rows of the window stay in the first cache, so that the
 * next output row finds all but the last of them there. */
static size_t choose_lanes(const struct heft_product *p)
{
	const size_t vector = p->kernels->vector;
	const size_t n_rows = p->kernel[0] * p->kernel[1] + p->stride[1];
	const size_t size = n_rows * p->in[2] * vector * sizeof(float);
	const size_t n = size ? ROWS_IN_CACHE / size : 0;

	return (n > 0 ? n : 1) * vector;
}

static void cut_rows(struct heft_product *p)
{
	const size_t n_rows = p->n_images * p->out[0] * p->out[1];

	p->n_vectors = ceil_div(p->n_groups, p->kernels->vector);
	p->n_panels = 1;
	p->block = DEPTHWISE_TASK / (p->out[2] * p->n_groups + 1) + 1;
	p->n_blocks = p->out[2] ? ceil_div(n_rows, p->block) : 0;
	p->strip = choose_lanes(p);
	p->n_tasks = p->n_blocks;
	p->n_pack_tasks = 1;
	p->packed_size = round_up(p->n_terms * p->n_vectors * p->kernels->vector * sizeof(float));
	p->scratch_size = round_up(p->kernel[0] * p->kernel[1] * sizeof(float *));
	if (p->is_transposed)
		p->scratch_size += round_up(p->out[2] * p->kernel[2] * sizeof(size_t));
}

static bool has_phases(const struct heft_product *p)
{
	return p->is_transposed && p->stride[0] <= MOST_PHASES && p->stride[1] <= MOST_PHASES &&
	       p->stride[2] <= MOST_PHASES && p->stride[0] * p->stride[1] * p->stride[2] > 1 &&
	       p->stride[0] * p->stride[1] * p->stride[2] <= MOST_PHASES;
}

/* No block has pixels of two phases. */
static void cut_phases(struct heft_product *p)
{
	p->n_phases = p->stride[0] * p->stride[1] * p->stride[2];
	p->n_blocks = 0;
	for (size_t i = 0; i < p->n_phases; i++)
		p->n_blocks += ceil_div(heft_product_phase(p, i, NULL).n_pixels, p->block);
}

static void cut_tiles(struct heft_product *p)
{
	const size_t vector_size = p->kernels->vector * sizeof(float);
	size_t n_shares;

	p->n_vectors = ceil_div(p->n_out, p->kernels->vector);
	p->n_panels = ceil_div(p->n_vectors, p->kernels->n_panel_vectors);
	p->packed_size = round_up(p->n_groups * p->n_vectors * p->n_terms * vector_size);
	p->n_pack_tasks = p->n_groups * p->n_panels;
	if (p->n_pack_tasks == 0 || p->n_pixels == 0)
		return;
	p->strip = choose_strip(p);
	p->n_slices = p->n_vectors * p->n_terms * vector_size <= PANELS_IN_CACHE ? 1 : p->n_panels;
	n_shares = min_of(ceil_div(N_TASKS, p->n_groups * p->n_slices),
	                  ceil_div(p->n_pixels, 2 * STRIP));
	if (n_shares < ceil_div(p->n_pixels, BLOCK))
		n_shares = ceil_div(p->n_pixels, BLOCK);
	p->block = ceil_div(ceil_div(p->n_pixels, n_shares), p->strip) * p->strip;
	p->n_blocks = ceil_div(p->n_pixels, p->block);
	if (has_phases(p))
		cut_phases(p);
	p->n_tasks = p->n_groups * p->n_blocks * p->n_slices;
	p->scratch_size = lay_out(p, NULL, NULL);
}

void heft_product_init_by(uint32_t cpu_bits, struct heft_product *p)
{
	const struct variant *v = variants;

	while ((v->needs & cpu_bits) != v->needs)
		v++;
	p->kernels = v->kernels;
	p->n_pixels = p->n_images * p->out[0] * p->out[1] * p->out[2];
	set_terms(p);
	p->is_depthwise = p->n_in == 1 && p->n_out == 1 && p->n_groups > 1 &&
	                  p->n_terms <= HEFT_PRODUCT_PIECE;
	p->n_tasks = 0;
	p->n_slices = 1;
	p->n_blocks = 0;
	p->block = 0;
	p->strip = 0;
	p->n_phases = 0;
	p->scratch_size = 0;
	if (p->is_depthwise)
		cut_rows(p);
	else
		cut_tiles(p);
}

void heft_product_init(struct heft_product *p)
{
	heft_product_init_by(heft_cpu_bits(), p);
}

void heft_product_matrix(struct heft_product *p, size_t m, size_t k, size_t n)
{
	*p = (struct heft_product){ .n_images = 1,
		                    .in = { 1, 1, m },
		                    .out = { 1, 1, m },
		                    .kernel = { 1, 1, 1 },
		                    .stride = { 1, 1, 1 },
		                    .dilation = { 1, 1, 1 },
		                    .n_groups = 1,
		                    .n_in = k,
		                    .n_out = n,
		                    .x_ld = k,
		                    .y_ld = n,
		                    .residual_ld = n,
		                    .end = { .alpha = 1 } };
}

bool heft_product_widen(const struct heft_product *p, struct heft_product *wide, size_t *before,
                        size_t *after)
{
	const size_t reach = (p->out[2] - 1) * p->stride[2] + p->kernel[2];
	const size_t width = p->pad[2] + p->in[2];

	if (p->n_groups != 1 || p->n_in > THIN || p->kernel[2] < 2 || p->dilation[2] != 1 ||
	    p->is_transposed || p->out[2] == 0 || (p->pad[2] == 0 && reach <= width))
		return false;
	*before = p->pad[2] * p->n_in;
	*after = reach > width ? (reach - width) * p->n_in : 0;
	*wide = *p;
	wide->in[2] = reach > width ? reach : width;
	wide->pad[2] = 0;
	wide->x_ld = p->n_in;
	return true;
}

/* Whether outputs go past the caches: all vectors full, and all of them aligned. */
static bool is_streamed(const struct heft_product *p, const float *y)
{
	const size_t n_channels = p->is_depthwise ? p->n_groups : p->n_out;
	const size_t n_values = p->n_pixels * p->n_out * p->n_groups;

	return n_values * sizeof *y > STREAM_FROM && n_channels % p->kernels->vector == 0 &&
	       p->y_ld % p->kernels->vector == 0 && (uintptr_t)y % HEFT_PRODUCT_ALIGN == 0;
}

/* A task of tiles: this group's. */
struct task {
	const struct heft_product *p;
	const struct heft_product_data *d;
	struct room room;
	const float *panels;
	size_t channel; /* the group's first output channel */
	bool is_streamed;
	struct heft_phase phase; /* where there are any */
};

static void add_sums(float *a, const float *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		a[i] += b[i];
}

/* Pieces one after the other; their sums meet as spec F2-1 says. */
static void run_pieces(const struct task *k, const struct heft_tile_kernel *kernel,
                       struct heft_tile *tile, size_t width)
{
	const struct heft_product *p = k->p;
	const struct heft_tile_end end = tile->end;
	const size_t n = kernel->n_rows * width;
	const float *panel = tile->panel;
	float *sums = k->room.sums;

	for (size_t q = 0, begin = 0; begin < p->n_terms; q++, begin += HEFT_PRODUCT_PIECE) {
		size_t first = begin;
		size_t last = min_of(begin + HEFT_PRODUCT_PIECE, p->n_terms);

		if (p->n_phases) {
			first = heft_product_phase_terms(p, &k->phase, k->room.which, first);
			last = heft_product_phase_terms(p, &k->phase, k->room.which, last);
		} else {
			tile->panel = panel + begin * width;
		}
		tile->tap = first / p->run;
		tile->at = first % p->run;
		tile->n_terms = last - first;
		tile->sums = sums;
		kernel->piece(tile);
		sums += n;
		for (size_t c = q + 1; c % 2 == 0; c /= 2) {
			sums -= n;
			add_sums(sums - n, sums, n);
		}
	}
	while (sums > k->room.sums + n) {
		sums -= n;
		add_sums(sums - n, sums, n);
	}
	kernel->finish(&end, k->room.sums);
}

/* Pixels [pixel, pixel + n), at most a tile, or those in `pixels`; their taps are at `taps`. Rows
 * that are left over do what the first one does, and what they make is thrown away. */
static void run_tile(const struct task *k, const struct heft_panel *panel, size_t pixel,
                     const size_t *pixels, size_t n, const float **taps, uintptr_t ahead)
{
	const struct heft_product *p = k->p;
	const struct heft_product_data *d = k->d;
	const struct heft_tile_kernel *few = &p->kernels->few[panel->n_vectors];
	const struct heft_tile_kernel *kernel = n <= few->n_rows
	                                                ? few
	                                                : &p->kernels->tiles[panel->n_vectors];
	const size_t channel = k->channel + panel->channel;
	float *y[HEFT_TILE_ROWS];
	const float *residual[HEFT_TILE_ROWS];
	struct heft_tile tile = { .taps = taps,
		                  .n_taps = p->n_taps,
		                  .run = p->run,
		                  .n_terms = p->n_terms,
		                  .panel = k->panels + panel->at,
		                  .ahead = ahead };
	size_t n_taps = p->n_taps;

	if (p->n_phases) {
		n_taps = k->phase.n_taps;
		tile.which = k->room.which;
		tile.n_terms = n_taps * p->run;
	}
	for (size_t i = 0; i < kernel->n_rows; i++) {
		const size_t row = i < n ? i : 0;
		const size_t at = pixels ? pixels[row] : pixel + row;

		y[i] = i < n ? d->y + at * p->y_ld + channel : k->room.junk;
		if (i >= n)
			for (size_t t = 0; t < n_taps; t++)
				taps[i * p->n_taps + t] = taps[t];
		if (d->residual)
			residual[i] = d->residual + at * p->residual_ld + channel;
	}
	tile.end = (struct heft_tile_end){ .end = &p->end,
		                           .y = y,
		                           .residual = d->residual ? residual : NULL,
		                           .bias = d->bias ? d->bias + channel : NULL,
		                           .n_last = panel->n_last,
		                           .is_streamed = k->is_streamed && n == kernel->n_rows };
	if (p->n_terms <= HEFT_PRODUCT_PIECE)
		kernel->piece(&tile);
	else
		run_pieces(k, kernel, &tile, panel->n_vectors * p->kernels->vector);
}

/* Panels [first, last) of pixels [begin, end), strip by strip. */
static void run_block(const struct task *k, const float *x, size_t begin, size_t end, size_t first,
                      size_t last)
{
	const struct heft_product *p = k->p;

	for (size_t m = begin; m < end; m += p->strip) {
		const size_t n = min_of(p->strip, end - m);

		if (p->n_phases)
			heft_product_phase_taps(p, &k->phase, k->room.which, x, k->room.zeros, m, n,
			                        k->room.taps, k->room.pixels);
		else
			heft_product_taps(p, x, k->room.zeros, k->room.steps, m, n, k->room.taps);
		for (size_t i = first; i < last; i++) {
			const struct heft_panel panel = heft_product_panel(p, i);
			const size_t n_rows = p->kernels->tiles[panel.n_vectors].n_rows;
			const uintptr_t ahead = p->is_linear ? 4 * n_rows * p->x_ld * sizeof *x : 0;

			for (size_t r = 0; r < n; r += n_rows)
				run_tile(k, &panel, m + r, p->n_phases ? k->room.pixels + r : NULL,
				         min_of(n_rows, n - r), k->room.taps + r * p->n_taps,
				         ahead);
		}
	}
}

/* The phase that the block is of, and which of its blocks it is. */
static void find_phase(struct task *k, size_t *block)
{
	const struct heft_product *p = k->p;

	for (size_t i = 0; i < p->n_phases; i++) {
		const size_t n_pixels = heft_product_phase(p, i, NULL).n_pixels;
		const size_t n = ceil_div(n_pixels, p->block);

		if (*block < n) {
			k->phase = heft_product_phase(p, i, k->room.which);
			return;
		}
		*block -= n;
	}
}

static void run_tiles(const struct heft_product *p, const struct heft_product_data *d, size_t i,
                      unsigned char *scratch)
{
	const size_t slice = i % p->n_slices;
	const size_t group = i / p->n_slices / p->n_blocks;
	size_t n_pixels = p->n_pixels;
	size_t block = i / p->n_slices % p->n_blocks;
	struct task k = { .p = p,
		          .d = d,
		          .panels = d->packed +
		                    group * p->n_vectors * p->kernels->vector * p->n_terms,
		          .channel = group * p->n_out,
		          .is_streamed = is_streamed(p, d->y) };

	lay_out(p, scratch, &k.room);
	if (!p->is_linear) {
		memset(k.room.zeros, 0, p->run * sizeof *k.room.zeros);
		heft_product_steps(p, k.room.steps);
	}
	if (p->n_phases) {
		find_phase(&k, &block);
		n_pixels = k.phase.n_pixels;
	}
	run_block(&k, d->x + group * p->n_in, block * p->block,
	          min_of((block + 1) * p->block, n_pixels), p->n_slices == 1 ? 0 : slice,
	          p->n_slices == 1 ? p->n_panels : slice + 1);
	if (k.is_streamed)
		p->kernels->fence();
}

/* The row of outputs with this number, of all images, in these channels. */
static void run_row(const struct heft_product *p, const struct heft_product_data *d, size_t i,
                    size_t first, size_t last, const float **x, const size_t *places)
{
	const size_t oh = i % p->out[1];
	const size_t od = i / p->out[1] % p->out[0];
	const size_t image = i / p->out[1] / p->out[0];
	const size_t row_size = p->in[2] * p->x_ld;
	struct heft_depthwise_row row = {
		.p = p,
		.x = x,
		.packed = d->packed,
		.bias = d->bias,
		.residual = d->residual ? d->residual + i * p->out[2] * p->residual_ld : NULL,
		.y = d->y + i * p->out[2] * p->y_ld,
		.first = first,
		.last = last,
		.places = places,
		.is_streamed = is_streamed(p, d->y),
	};
	size_t at[2];

	for (size_t t = 0; t < p->kernel[0] * p->kernel[1]; t++) {
		x[t] = NULL;
		if (!heft_product_tap(p, 0, od, t / p->kernel[1], &at[0]) ||
		    !heft_product_tap(p, 1, oh, t % p->kernel[1], &at[1]))
			continue;
		x[t] = d->x + ((image * p->in[0] + at[0]) * p->in[1] + at[1]) * row_size;
		/* transposed, the first one is the furthest */
		if (!places || row.ahead == 0)
			row.ahead = (uintptr_t)(x[t] + row_size);
	}
	p->kernels->depthwise_row(&row);
}

/* Of a transposed product: see struct heft_depthwise_row. */
static void find_places(const struct heft_product *p, size_t *places)
{
	for (size_t ow = 0; ow < p->out[2]; ow++) {
		for (size_t k = 0; k < p->kernel[2]; k++, places++) {
			size_t at;

			*places = heft_product_tap(p, 2, ow, k, &at) ? at * p->x_ld : HEFT_NO_PLACE;
		}
	}
}

static void run_rows(const struct heft_product *p, const struct heft_product_data *d, size_t i,
                     unsigned char *scratch)
{
	const float **x = (const float **)(void *)scratch;
	const size_t x_size = round_up(p->kernel[0] * p->kernel[1] * sizeof *x);
	size_t *places = p->is_transposed ? (size_t *)(void *)(scratch + x_size) : NULL;
	const size_t n_rows = p->n_images * p->out[0] * p->out[1];
	const size_t end = min_of((i + 1) * p->block, n_rows);
	const size_t n = p->strip;

	if (places)
		find_places(p, places);
	for (size_t c = 0; c < p->n_groups; c += n)
		for (size_t row = i * p->block; row < end; row++)
			run_row(p, d, row, c, min_of(c + n, p->n_groups), x, places);
	if (is_streamed(p, d->y))
		p->kernels->fence();
}

void heft_product_run(const struct heft_product *p, const struct heft_product_data *d, size_t i,
                      void *scratch)
{
	if (p->is_depthwise)
		run_rows(p, d, i, scratch);
	else
		run_tiles(p, d, i, scratch);
}
