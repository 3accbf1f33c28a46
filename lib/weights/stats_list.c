/* SPDX-License-Identifier: Apache-2.0 */
/* stats_list.c - makes an ordered list of values of a table of counts. */
#include "weights/stats_list.h"

#include <math.h>
#include <string.h>

#include "tensor/cast.h"

/* How the codes of a dtype lie: from which to which, and which way, they ascend. */
enum order {
	ASCENDING, /* unsigned */
	TWO_S_COMPLEMENT,
	SIGN_AND_MAGNITUDE
};

static enum order order_of(enum heft_dtype dtype, enum heft_stats_kind kind)
{
	if (kind == HEFT_STATS_KEYS || heft_float_format(dtype))
		return SIGN_AND_MAGNITUDE;
	return *heft_dtype_name(dtype) == 'I' ? TWO_S_COMPLEMENT : ASCENDING;
}

static unsigned bits_of(enum heft_dtype dtype, enum heft_stats_kind kind)
{
	return kind == HEFT_STATS_KEYS ? 16 : heft_element_bits(dtype);
}

static double f64_from_bits(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

/* The F32 whose leading bits are those of a key without its sign, and its others 0; also of the key
 * behind the last one, which is 2^128. */
static double least_of_key(uint32_t magnitude)
{
	if (magnitude > HEFT_KEY_MAX)
		return 0x1p128;
	return f64_from_bits(heft_widen_f32(magnitude << 16));
}

/* The middle of the values that share a key; a whole number where they are integers. The first one
 * stands for zero, which it nearly always is. */
static double value_of_key(uint32_t key, bool is_integer)
{
	const uint32_t magnitude = key & 0x7fff;
	const double low = least_of_key(magnitude);
	double middle = magnitude == 0 ? 0 : low + (least_of_key(magnitude + 1) - low) / 2;

	if (is_integer)
		middle = floor(middle);
	return key & 0x8000 ? -middle : middle;
}

static double value_of_code(enum heft_dtype dtype, uint32_t code)
{
	if (dtype == HEFT_DTYPE_BF16)
		return f64_from_bits(heft_widen_f32(code << 16));
	return f64_from_bits(heft_cast_code(HEFT_DTYPE_F64, dtype, code));
}

static bool is_whole(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info->is_integer;
}

static void append(struct heft_stats_list *l, uint32_t code, uint32_t place, uint64_t count)
{
	const double value = l->kind == HEFT_STATS_KEYS ? value_of_key(code, is_whole(l->dtype))
	                                                : value_of_code(l->dtype, code);

	if (isnan(value)) {
		l->n_nan += count;
		return;
	}
	l->value[l->n] = value + 0.0; /* no negative zero */
	l->count[l->n] = count;
	l->place[l->n] = (uint16_t)place;
	l->n++;
}

/* A table of counters of either width. */
struct table {
	uint32_t *narrow;
	uint64_t *wide; /* NULL: the other one */
};

static bool is_zero(const struct table *t, uint32_t code, uint32_t n)
{
	static const uint64_t zeros[8];

	return t->wide ? memcmp(t->wide + code, zeros, n * sizeof *t->wide) == 0
	               : memcmp(t->narrow + code, zeros, n * sizeof *t->narrow) == 0;
}

static uint64_t take(const struct table *t, uint32_t code)
{
	uint64_t count;

	if (t->wide) {
		count = t->wide[code];
		t->wide[code] = 0;
	} else {
		count = t->narrow[code];
		t->narrow[code] = 0;
	}
	return count;
}

/* Eight codes, which are the whole table where it is smaller: most tables are nearly empty. */
#define N_AT_ONCE 8u

/* Appends n codes from `first` on, a multiple of N_AT_ONCE or fewer; `place` is that of the one
 * that comes first in the list. */
static void append_up(struct heft_stats_list *l, const struct table *t, uint32_t first, uint32_t n,
                      uint32_t place)
{
	const uint32_t step = n < N_AT_ONCE ? n : N_AT_ONCE;

	for (uint32_t i = 0; i < n; i += step) {
		if (is_zero(t, first + i, step))
			continue;
		for (uint32_t k = i; k < i + step; k++) {
			const uint64_t count = take(t, first + k);

			if (count > 0)
				append(l, first + k, place + k, count);
		}
	}
}

/* The same, from the last one down. */
static void append_down(struct heft_stats_list *l, const struct table *t, uint32_t first,
                        uint32_t n, uint32_t place)
{
	const uint32_t step = n < N_AT_ONCE ? n : N_AT_ONCE;

	for (uint32_t i = n; i > 0; i -= step) {
		if (is_zero(t, first + i - step, step))
			continue;
		for (uint32_t k = i; k > i - step; k--) {
			const uint64_t count = take(t, first + k - 1);

			if (count > 0)
				append(l, first + k - 1, place + n - k, count);
		}
	}
}

static void fill(struct heft_stats_list *l, enum heft_dtype dtype, const struct table *t)
{
	uint32_t half;

	l->dtype = dtype;
	l->kind = heft_stats_kind(dtype);
	l->n = 0;
	l->n_nan = 0;
	half = 1u << (bits_of(dtype, l->kind) - 1);
	switch (order_of(dtype, l->kind)) {
	case ASCENDING:
		append_up(l, t, 0, 2 * half, 0);
		return;
	case TWO_S_COMPLEMENT:
		append_up(l, t, half, half, 0);
		break;
	case SIGN_AND_MAGNITUDE:
		append_down(l, t, half, half, 0);
		break;
	}
	append_up(l, t, 0, half, half);
}

void heft_stats_list_fill(struct heft_stats_list *l, enum heft_dtype dtype, uint32_t *counts)
{
	fill(l, dtype, &(struct table){ .narrow = counts });
}

void heft_stats_list_fill_wide(struct heft_stats_list *l, enum heft_dtype dtype, uint64_t *counts)
{
	fill(l, dtype, &(struct table){ .wide = counts });
}

static void set_entry(struct heft_stats_list *l, uint32_t i, double value, uint64_t count,
                      uint16_t place)
{
	l->value[i] = value;
	l->count[i] = count;
	l->place[i] = place;
}

void heft_stats_list_bound(struct heft_stats_list *l, const struct heft_moments *m)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->value[i] < m->min)
			l->value[i] = m->min;
		if (l->value[i] > m->max)
			l->value[i] = m->max;
	}
	if (m->n_neg_inf > 0) {
		memmove(l->value + 1, l->value, l->n * sizeof *l->value);
		memmove(l->count + 1, l->count, l->n * sizeof *l->count);
		memmove(l->place + 1, l->place, l->n * sizeof *l->place);
		set_entry(l, 0, -(double)INFINITY, m->n_neg_inf, 0);
		l->n++;
	}
	if (m->n_pos_inf > 0) {
		set_entry(l, l->n, (double)INFINITY, m->n_pos_inf, UINT16_MAX);
		l->n++;
	}
}

/* --- sums of codes --- */

/* A sum that keeps what rounding takes from it (Knuth's two-sum). */
struct sum {
	double high;
	double low;
};

static void add(struct sum *s, double x)
{
	const double high = s->high + x;
	const double part = high - s->high;

	s->low += (s->high - (high - part)) + (x - part);
	s->high = high;
}

static double least_normal(enum heft_dtype dtype)
{
	const struct heft_float_format *format = heft_float_format(dtype);

	return format ? ldexp(1.0, 1 - format->bias) : 0;
}

static void sum_counts(const struct heft_stats_list *l, struct heft_moments *m)
{
	const double normal = least_normal(l->dtype);

	m->n_nan += l->n_nan;
	for (uint32_t i = 0; i < l->n; i++) {
		const double value = l->value[i];

		if (isinf(value)) {
			*(value > 0 ? &m->n_pos_inf : &m->n_neg_inf) += l->count[i];
			continue;
		}
		if (m->n == 0)
			m->min = value;
		m->max = value;
		m->n += l->count[i];
		m->n_zero += value == 0 ? l->count[i] : 0;
		m->n_subnormal += value != 0 && fabs(value) < normal ? l->count[i] : 0;
	}
}

/* sum of count * (value - from), and of the squares */
static void sum_from(const struct heft_stats_list *l, double from, struct sum *s,
                     struct sum *squares)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const double deviation = l->value[i] - from;
		const double part = (double)l->count[i] * deviation;

		if (isinf(l->value[i]))
			continue;
		add(s, part);
		add(squares, part * deviation);
	}
}

void heft_stats_list_sums(const struct heft_stats_list *l, struct heft_moments *m)
{
	struct sum sum = { 0 };
	struct sum rest = { 0 };
	struct sum squares = { 0 };
	struct sum unused = { 0 };

	*m = (struct heft_moments){ .n = 0 };
	sum_counts(l, m);
	if (m->n == 0)
		return;
	sum_from(l, 0, &sum, &unused);
	m->mean = (sum.high + sum.low) / (double)m->n;
	sum_from(l, m->mean, &rest, &squares);
	m->mean_rest = (rest.high + rest.low) / (double)m->n;
	m->m2 = squares.high + squares.low - (rest.high + rest.low) * m->mean_rest;
	if (!(m->m2 > 0))
		m->m2 = 0;
}

/* --- quantiles --- */

double heft_stats_fraction(uint32_t i)
{
	static const double fractions[HEFT_STATS_QUANTILES] = { 0.001, 0.01, 0.05, 0.25, 0.5,
		                                                0.75,  0.95, 0.99, 0.999 };

	return i < HEFT_STATS_QUANTILES ? fractions[i] : (double)NAN;
}

/* A place among all values in order. */
struct cursor {
	uint32_t i;
	uint64_t n_before; /* of the entries before i */
};

static double value_at(const struct heft_stats_list *l, struct cursor *c, uint64_t rank)
{
	while (rank - c->n_before >= l->count[c->i]) {
		c->n_before += l->count[c->i];
		c->i++;
	}
	return l->value[c->i];
}

/* As NumPy rounds it. Between a number and an infinity there is nothing: the nearer one. */
static double between(double a, double b, double t)
{
	if (a == b || t == 0)
		return a;
	if (isinf(a) || isinf(b))
		return t < 0.5 ? a : b;
	return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

void heft_stats_list_quantiles(const struct heft_stats_list *l, double *quantiles)
{
	struct cursor c = { .i = 0 };
	uint64_t n = 0;

	for (uint32_t i = 0; i < l->n; i++)
		n += l->count[i];
	for (uint32_t k = 0; k < HEFT_STATS_QUANTILES; k++) {
		double at;
		uint64_t rank;
		double low;
		struct cursor next;

		if (n == 0) {
			quantiles[k] = (double)NAN;
			continue;
		}
		at = heft_stats_fraction(k) * (double)(n - 1);
		rank = (uint64_t)at;
		low = value_at(l, &c, rank);
		next = c;
		quantiles[k] = between(low, value_at(l, &next, rank + 1 < n ? rank + 1 : rank),
		                       at - floor(at));
	}
}

/* --- histogram --- */

/* Exact at both ends, and never out of range, however far these are apart. */
static double even_edge(double least, double greatest, uint32_t i)
{
	const double share = (double)i / HEFT_STATS_BINS;

	return least * (1 - share) + greatest * share;
}

static uint32_t place_of_key(uint32_t key)
{
	const uint32_t magnitude = key & 0x7fff;

	/* what is too small for a key counts as zero, of which there is one */
	return key & 0x8000 && magnitude > 0 ? 0x7fff - magnitude : 0x8000 + magnitude;
}

static uint32_t place_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return place_of_key(heft_moments_key(bits));
}

/* The least F64 whose key has that place. The bins include their lower edges, and negative values
 * share a key with those further from zero: hence the step. */
static double least_at(uint32_t place)
{
	return place >= 0x8000 ? least_of_key(place - 0x8000)
	                       : nextafter(-least_of_key(0x8000 - place), (double)INFINITY);
}

/* Even edges, moved down to where a key begins; of those that coincide one is left. */
static void cut_by_keys(double least, double greatest, struct heft_stats *s, uint32_t *places)
{
	places[0] = place_of(least);
	s->edges[0] = least;
	s->n_bins = 1;
	for (uint32_t i = 1; i < HEFT_STATS_BINS; i++) {
		const uint32_t place = place_of(even_edge(least, greatest, i));

		if (place <= places[s->n_bins - 1])
			continue;
		places[s->n_bins] = place;
		s->edges[s->n_bins++] = least_at(place);
	}
	s->edges[s->n_bins] = greatest;
}

static void cut_evenly(double least, double greatest, struct heft_stats *s)
{
	s->edges[0] = least;
	s->n_bins = 1;
	for (uint32_t i = 1; i < HEFT_STATS_BINS; i++) {
		const double edge = even_edge(least, greatest, i);

		if (edge > s->edges[s->n_bins - 1] && edge < greatest)
			s->edges[s->n_bins++] = edge;
	}
	s->edges[s->n_bins] = greatest;
}

void heft_stats_list_histogram(const struct heft_stats_list *l, double least, double greatest,
                               struct heft_stats *s)
{
	const bool has_keys = l->kind == HEFT_STATS_KEYS;
	uint32_t places[HEFT_STATS_BINS];
	uint32_t bin = 0;

	if (has_keys)
		cut_by_keys(least, greatest, s, places);
	else
		cut_evenly(least, greatest, s);
	for (uint32_t i = 0; i < l->n; i++) {
		const uint32_t place = l->place[i] == 0x7fff ? 0x8000 : l->place[i];

		if (isinf(l->value[i]))
			continue;
		while (bin + 1 < s->n_bins &&
		       (has_keys ? place >= places[bin + 1] : l->value[i] >= s->edges[bin + 1]))
			bin++;
		s->counts[bin] += l->count[i];
	}
}
