/* SPDX-License-Identifier: Apache-2.0 */
/* move.c - copying by strides: dimensions that lie together become one, lines are copied whole, and
 * where lines of one array are columns of the other, square by square. */
#include "graph/move.h"

#include <string.h>

#include "graph/spans.h"
#include "kernel/transpose.h"

#define CHUNK 65536u /* bytes; a longer line is copied in several tasks */
#define FILL_PART 8192u
#define TILE 64u /* elements; two tiles of 4 bytes fill a first-level cache */

/* --- making --- */

void heft_move_init(struct heft_move *m, uint64_t element)
{
	m->rank = 0;
	m->is_empty = false;
	m->unit = element;
	m->x_at = 0;
	m->y_at = 0;
}

void heft_move_add(struct heft_move *m, uint64_t n, int64_t x_step, int64_t y_step)
{
	/* Steps of an array without elements may be anything. */
	const int64_t x = (int64_t)((uint64_t)x_step * m->unit);
	const int64_t y = (int64_t)((uint64_t)y_step * m->unit);
	uint32_t at = m->rank;

	if (n == 0)
		m->is_empty = true;
	if (n <= 1)
		return;
	for (; at > 0 && m->dims[at - 1].y < y; at--)
		m->dims[at] = m->dims[at - 1];
	m->dims[at] = (struct heft_move_dim){ .n = n, .x = x, .y = y };
	m->rank++;
}

void heft_move_from(struct heft_move *m, int64_t x_at, int64_t y_at)
{
	m->x_at = (int64_t)((uint64_t)x_at * m->unit);
	m->y_at = (int64_t)((uint64_t)y_at * m->unit);
}

void heft_move_ready(struct heft_move *m)
{
	uint32_t n = 0;

	if (m->is_empty)
		return;
	for (uint32_t i = 0; i < m->rank; i++) {
		const struct heft_move_dim d = m->dims[i];
		struct heft_move_dim *outer = n > 0 ? &m->dims[n - 1] : NULL;

		if (outer && outer->x == d.x * (int64_t)d.n && outer->y == d.y * (int64_t)d.n)
			*outer = (struct heft_move_dim){ .n = outer->n * d.n, .x = d.x, .y = d.y };
		else
			m->dims[n++] = d;
	}
	m->rank = n;
	if (n > 0 && m->dims[n - 1].x == (int64_t)m->unit && m->dims[n - 1].y == (int64_t)m->unit) {
		m->unit *= m->dims[n - 1].n;
		m->rank--;
	}
}

/* --- lines of small units --- */

typedef void line_fn(uint8_t *y, int64_t y_step, const uint8_t *x, int64_t x_step, uint64_t n);

#define LINE(size)                                                                            \
	static void line_##size(uint8_t *y, int64_t y_step, const uint8_t *x, int64_t x_step, \
	                        uint64_t n)                                                   \
	{                                                                                     \
		for (uint64_t i = 0; i < n; i++)                                              \
			memcpy(y + (int64_t)i * y_step, x + (int64_t)i * x_step, size);       \
	}

LINE(1)
LINE(2)
LINE(4)
LINE(8)
LINE(16)

/* NULL: the unit is copied by its size. */
static line_fn *line_of(uint64_t unit)
{
	return unit == 4    ? line_4
	       : unit == 8  ? line_8
	       : unit == 1  ? line_1
	       : unit == 2  ? line_2
	       : unit == 16 ? line_16
	                    : NULL;
}

/* --- running --- */

/* Items are what the dimensions leave that are not done inside one: `outer` of them, times parts
 * of a long line, or tiles. */
struct run {
	const struct heft_move *move;
	const uint8_t *x;
	uint8_t *y;
	line_fn *line;
	uint32_t n_outer; /* dimensions */
	struct heft_move_dim outer[HEFT_MOVE_MAX_RANK];
	struct heft_move_dim row; /* tiles: lies together in x */
	struct heft_move_dim in;  /* lies together in y, or n is 1 */
	uint64_t n_parts;
	uint64_t n_row_parts;
};

struct place {
	uint64_t index[HEFT_MOVE_MAX_RANK];
	int64_t x;
	int64_t y;
};

static void place_at(const struct run *r, uint64_t item, struct place *p)
{
	p->x = r->move->x_at;
	p->y = r->move->y_at;
	for (uint32_t d = r->n_outer; d-- > 0;) {
		p->index[d] = item % r->outer[d].n;
		item /= r->outer[d].n;
		p->x += (int64_t)p->index[d] * r->outer[d].x;
		p->y += (int64_t)p->index[d] * r->outer[d].y;
	}
}

static void place_next(const struct run *r, struct place *p)
{
	for (uint32_t d = r->n_outer; d-- > 0;) {
		const struct heft_move_dim *dim = &r->outer[d];

		p->x += dim->x;
		p->y += dim->y;
		if (++p->index[d] < dim->n)
			return;
		p->x -= (int64_t)dim->n * dim->x;
		p->y -= (int64_t)dim->n * dim->y;
		p->index[d] = 0;
	}
}

static void run_lines(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct run *r = ctx;
	const uint64_t unit = r->move->unit;
	struct place p;

	(void)c;
	(void)worker;
	place_at(r, first, &p);
	for (uint64_t i = 0; i < n; i++, place_next(r, &p)) {
		const uint8_t *x = r->x + p.x;
		uint8_t *y = r->y + p.y;

		if (r->in.x == 0 && r->in.y == (int64_t)unit) {
			heft_fill(y, x, unit, r->in.n);
			continue;
		}
		if (r->line) {
			r->line(y, r->in.y, x, r->in.x, r->in.n);
			continue;
		}
		for (uint64_t k = 0; k < r->in.n; k++, y += r->in.y, x += r->in.x)
			memcpy(y, x, unit);
	}
}

static void run_parts(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct run *r = ctx;
	const uint64_t unit = r->move->unit;

	(void)c;
	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t at = i % r->n_parts * CHUNK;
		struct place p;

		place_at(r, i / r->n_parts, &p);
		memcpy(r->y + p.y + at, r->x + p.x + at, unit - at < CHUNK ? unit - at : CHUNK);
	}
}

static void run_tiles(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct run *r = ctx;
	const bool is_plain = r->move->unit == sizeof(float) && r->in.x > 0;

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t row = i % r->n_parts / r->n_row_parts * TILE;
		const uint64_t column = i % r->n_row_parts * TILE;
		const uint64_t n_rows = r->row.n - row < TILE ? r->row.n - row : TILE;
		const uint64_t n_columns = r->in.n - column < TILE ? r->in.n - column : TILE;
		const uint8_t *x;
		uint8_t *y;
		struct place p;

		place_at(r, i / r->n_parts, &p);
		x = r->x + p.x + (int64_t)row * r->row.x + (int64_t)column * r->in.x;
		y = r->y + p.y + (int64_t)row * r->row.y + (int64_t)column * r->in.y;
		if (is_plain) {
			heft_transpose_by(c->cpu_bits, (const float *)(const void *)x,
			                  (size_t)r->in.x / sizeof(float), (size_t)n_columns,
			                  (size_t)n_rows, (float *)(void *)y,
			                  (size_t)r->row.y / sizeof(float));
			continue;
		}
		for (uint64_t k = 0; k < n_rows; k++)
			r->line(y + (int64_t)k * r->row.y, r->in.y, x + (int64_t)k * r->row.x,
			        r->in.x, n_columns);
	}
}

/* The dimension along which x lies together, if that is not y's last one; n_outer: none. */
static uint32_t find_row(const struct heft_move *m)
{
	for (uint32_t d = 0; d + 1 < m->rank; d++) {
		if (m->dims[d].x == (int64_t)m->unit && m->dims[d].n >= 4)
			return d;
	}
	return m->rank;
}

/* The dimension that lines go along: the last one, unless it is short and another is not. */
static uint32_t find_line(const struct heft_move *m)
{
	uint32_t longest = m->rank - 1;

	for (uint32_t d = 0; d < m->rank && m->dims[m->rank - 1].n < 8; d++) {
		if (m->dims[d].n > m->dims[longest].n)
			longest = d;
	}
	return longest;
}

void heft_move_run(const struct heft_call *c, const struct heft_move *m, const void *x, void *y)
{
	struct run r = { .move = m, .x = x, .y = y, .line = line_of(m->unit), .in = { .n = 1 } };
	uint32_t row = m->rank;
	uint32_t in = m->rank;
	uint64_t n_items = 1;

	if (m->is_empty)
		return;
	if (m->unit < 2 * CHUNK && m->rank > 0) {
		in = r.line ? find_line(m) : m->rank - 1;
		r.in = m->dims[in];
		if (r.line && r.in.y == (int64_t)m->unit && r.in.x != 0 && r.in.n >= 8)
			row = find_row(m);
	}
	for (uint32_t d = 0; d < m->rank; d++) {
		if (d == row || d == in)
			continue;
		r.outer[r.n_outer++] = m->dims[d];
		n_items *= m->dims[d].n;
	}
	if (row < m->rank) {
		r.row = m->dims[row];
		r.n_row_parts = (r.in.n + TILE - 1) / TILE;
		r.n_parts = (r.row.n + TILE - 1) / TILE * r.n_row_parts;
		heft_spans_run(c, n_items * r.n_parts,
		               (r.row.n < TILE ? r.row.n : TILE) * (r.in.n < TILE ? r.in.n : TILE),
		               run_tiles, &r);
	} else if (m->unit >= 2 * CHUNK) {
		r.n_parts = (m->unit + CHUNK - 1) / CHUNK;
		heft_spans_run(c, n_items * r.n_parts, CHUNK / sizeof(float), run_parts, &r);
	} else {
		heft_spans_run(c, n_items, r.in.n * (r.line ? 1 : m->unit / sizeof(float)),
		               run_lines, &r);
	}
}

void heft_copy(const struct heft_call *c, const void *x, void *y, uint64_t n)
{
	struct heft_move m;

	if (n == 0 || x == y)
		return;
	heft_move_init(&m, n);
	heft_move_run(c, &m, x, y);
}

/* --- what operators that move data share --- */

void heft_steps(const struct heft_call *c, const struct heft_array *a, bool is_laid, int64_t *steps)
{
	const bool is_last = is_laid && heft_call_lies_last(c, a->rank);
	uint64_t step = is_last ? a->dims[1] : 1;

	for (uint32_t d = a->rank; d-- > 0;) {
		if (is_last && d == 1) {
			steps[d] = 1;
			continue;
		}
		steps[d] = (int64_t)step;
		step *= a->dims[d];
	}
}

void heft_memory_order(const struct heft_call *c, uint32_t rank, uint32_t *order)
{
	const bool is_last = heft_call_lies_last(c, rank);

	for (uint32_t i = 0; i < rank; i++)
		order[i] = !is_last || i == 0 ? i : i == rank - 1 ? 1 : i + 1;
}

void heft_memory_axis(const struct heft_call *c, const struct heft_array *a, uint32_t axis,
                      struct heft_axis *along)
{
	uint32_t order[HEFT_GRAPH_MAX_RANK];
	bool is_behind = false;

	*along = (struct heft_axis){ .n_outer = 1, .n = a->dims[axis], .n_inner = 1 };
	heft_memory_order(c, a->rank, order);
	for (uint32_t i = 0; i < a->rank; i++) {
		if (order[i] == axis)
			is_behind = true;
		else if (is_behind)
			along->n_inner *= a->dims[order[i]];
		else
			along->n_outer *= a->dims[order[i]];
	}
}

void heft_fill(void *y, const void *value, uint64_t size, uint64_t n)
{
	const uint64_t n_bytes = n * size;
	uint64_t n_done = size;

	if (n == 0)
		return;
	memcpy(y, value, size);
	/* what is there already, once more: at most what stays in the first cache */
	while (n_done < n_bytes) {
		uint64_t part = n_done < FILL_PART ? n_done : FILL_PART / size * size;

		part = n_bytes - n_done < part ? n_bytes - n_done : part;
		memcpy((uint8_t *)y + n_done, y, part);
		n_done += part;
	}
}
