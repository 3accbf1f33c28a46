/* SPDX-License-Identifier: Apache-2.0 */
/* stats_figures.c - makes the figures of sums and counts. Written from spec/stats.md. */
#include "weights/stats_figures.h"

#include <math.h>

#define SCALE_DOWN 0x1p-600
#define SCALE_UP 0x1p600

static bool is_integer(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info && (info->is_integer || dtype == HEFT_DTYPE_BOOL);
}

void heft_stats_of_nothing(const struct heft_tensor *t, struct heft_stats *s)
{
	const double nan = (double)NAN;

	*s = (struct heft_stats){ .n_elements = t->n_elements };
	s->is_numeric = heft_stats_kind(t->dtype) != HEFT_STATS_NONE;
	s->is_integer = is_integer(t->dtype);
	s->min = s->max = s->mean = s->std = s->abs_max = nan;
	for (uint32_t i = 0; i < HEFT_STATS_QUANTILES; i++)
		s->quantiles[i] = nan;
}

/* The sums are of values that were scaled; the figures are not. */
static void set_sums(const struct heft_moments *m, struct heft_stats *s)
{
	const double unit = m->scale > 0 ? SCALE_UP : m->scale < 0 ? SCALE_DOWN : 1;
	const double mean = m->mean + m->mean_rest;
	const double n = (double)m->n;

	if (m->n == 0)
		return;
	s->mean = mean * unit;
	s->std = sqrt(m->m2 / n) * unit;
	s->l2 = sqrt(m->m2 + n * (mean * mean)) * unit;
}

/* What sums of infinities are. */
static void set_infinite_sums(const struct heft_moments *m, struct heft_stats *s)
{
	const double inf = (double)INFINITY;

	if (s->n_inf == 0)
		return;
	s->std = (double)NAN;
	s->l2 = inf;
	s->mean = m->n_neg_inf == 0 ? inf : m->n_pos_inf == 0 ? -inf : (double)NAN;
}

static void set_extremes(const struct heft_moments *m, struct heft_stats *s)
{
	const double inf = (double)INFINITY;

	if (m->n > 0) {
		s->min = m->min;
		s->max = m->max;
	}
	if (m->n_neg_inf > 0) {
		s->min = -inf;
		s->max = m->n > 0 ? m->max : -inf;
	}
	if (m->n_pos_inf > 0) {
		s->max = inf;
		s->min = m->n_neg_inf > 0 ? -inf : m->n > 0 ? m->min : inf;
	}
	s->abs_max = fabs(s->min) > fabs(s->max) ? fabs(s->min) : fabs(s->max);
}

static void set_integers(const struct heft_stats_sums *sums, enum heft_dtype dtype,
                         struct heft_stats *s)
{
	const uint64_t bias = *heft_dtype_name(dtype) == 'I' ? UINT64_C(1) << 63 : 0;

	if (sums->has_integers) {
		s->min_integer = sums->min_integer ^ bias;
		s->max_integer = sums->max_integer ^ bias;
	} else {
		s->min_integer = (uint64_t)(int64_t)s->min;
		s->max_integer = (uint64_t)(int64_t)s->max;
	}
}

void heft_stats_figures(uint64_t n_elements, const struct heft_stats_sums *sums,
                        struct heft_stats_list *l, struct heft_stats *s)
{
	const struct heft_tensor t = { .dtype = l->dtype, .n_elements = n_elements };
	struct heft_moments m = sums->moments;

	heft_stats_of_nothing(&t, s);
	if (l->kind == HEFT_STATS_CODES)
		heft_stats_list_sums(l, &m);
	else
		heft_stats_list_bound(l, &m);
	s->n_zero = m.n_zero;
	s->n_nan = m.n_nan;
	s->n_inf = m.n_neg_inf + m.n_pos_inf;
	s->n_subnormal = m.n_subnormal;
	set_sums(&m, s);
	set_infinite_sums(&m, s);
	set_extremes(&m, s);
	if (s->is_integer)
		set_integers(sums, l->dtype, s);
	heft_stats_list_quantiles(l, s->quantiles);
	if (m.n > 0)
		heft_stats_list_histogram(l, m.min, m.max, s);
}
