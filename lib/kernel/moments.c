/* SPDX-License-Identifier: Apache-2.0 */
/* moments.c - mean, spread, extremes and counts of F32 and F64 values, block by block.
 *
 * A block is looked at twice while it lies in the first cache: the mean comes first, then the
 * deviations from it, so that a large mean takes no digits from a small spread. One look with sums
 * of squares would lose them, and Welford's update divides once a value. Measured on an AMD EPYC
 * (Zen 4), F32 in the cache, one core, with AVX2: 5.7 GB/s as gcc 12 compiles it, 7.1 as clang 14
 * does; 8.0 without counting the keys. */
#include "kernel/moments_look.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cpu.h"

#define F64_NORMAL UINT64_C(0x0010000000000000)
#define F64_MAGNITUDE UINT64_C(0x7fffffffffffffff)

/* Blocks whose largest magnitude is not between these are scaled: squares of others, and sums of
 * 2^60 such squares, are numbers that F64 has. */
#define LARGE 0x1p480
#define SMALL 0x1p-480
#define SCALE_DOWN 0x1p-600
#define SCALE_UP 0x1p600

static inline double f64_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

/* A format of values. */
struct form {
	const struct heft_looks *looks;
	size_t size;
	bool is_scaled; /* its squares may leave the range of F64 */
};

uint32_t heft_moments_key(uint64_t bits)
{
	const uint32_t sign = (uint32_t)(bits >> 63) << 15;
	const uint64_t magnitude = bits & F64_MAGNITUDE;
	const uint32_t exponent = (uint32_t)(magnitude >> 52);

	if (exponent > 1023 + 127)
		return sign | HEFT_KEY_MAX;
	if (exponent > 1023 - 127)
		return sign | (uint32_t)((magnitude >> 45) - ((UINT64_C(1023) - 127) << 7));
	/* a subnormal F32; below 2^-133 nothing is left */
	if (exponent < 1023 - 133)
		return sign;
	return sign | (uint32_t)(((magnitude & (F64_NORMAL - 1)) | F64_NORMAL) >>
	                         (45 + (1023 - 126) - exponent));
}

/* Lanes are added in halves: 8 apart, then 4, 2 and 1. */
static double add_lanes(const double *lanes)
{
	double sum[HEFT_LOOK_LANES / 2];

	for (size_t i = 0; i < HEFT_LOOK_LANES / 2; i++)
		sum[i] = lanes[i] + lanes[i + HEFT_LOOK_LANES / 2];
	for (size_t half = HEFT_LOOK_LANES / 4; half > 0; half /= 2)
		for (size_t i = 0; i < half; i++)
			sum[i] += sum[i + half];
	return sum[0];
}

static void look_first(const struct form *form, const uint8_t *p, size_t n,
                       struct heft_first_look *f)
{
	*f = (struct heft_first_look){ .min = (double)INFINITY, .max = -(double)INFINITY };
	form->looks->first(p, n, f);
}

static int64_t choose_scale(const struct heft_first_look *f)
{
	const double largest = f->max > -f->min ? f->max : -f->min;

	return largest >= LARGE ? 1 : largest < SMALL ? -1 : 0;
}

static void scale_values(const uint8_t *p, size_t n, int64_t scale, uint8_t *scaled)
{
	const double factor = scale > 0 ? SCALE_DOWN : SCALE_UP;

	for (size_t i = 0; i < n; i++) {
		const uint64_t bits = bits_of(f64_of(heft_get_le64(p + 8 * i)) * factor);

		heft_put_le32(scaled + 8 * i, (uint32_t)bits);
		heft_put_le32(scaled + 8 * i + 4, (uint32_t)(bits >> 32));
	}
}

/* Of n > 0 finite values at p, which are those at `keys`, scaled; `f` is of the values at p. */
static void add_sums(const struct form *form, const uint8_t *p, size_t n, const uint8_t *keys,
                     const struct heft_first_look *f, uint32_t *counts, struct heft_moments *b)
{
	struct heft_second_look s = { .lanes = { 0 } };
	double rest;

	b->mean = add_lanes(f->lanes) / (double)n;
	form->looks->second(p, n, b->mean, keys, counts, &s);
	rest = add_lanes(s.lanes);
	b->mean_rest = rest / (double)n;
	b->m2 = add_lanes(s.squares) - rest * b->mean_rest;
	if (!(b->m2 > 0))
		b->m2 = 0;
}

static void add_block(const struct form *form, struct heft_moments *m, uint32_t *counts,
                      const uint8_t *p, size_t n)
{
	uint8_t room[HEFT_MOMENTS_BLOCK * 8];
	uint8_t scaled[HEFT_MOMENTS_BLOCK * 8];
	struct heft_moments b = { .n = 0 };
	struct heft_first_look f;

	look_first(form, p, n, &f);
	if (f.has_odd) {
		n = form->looks->keep_finite(p, n, room, &b);
		p = room;
		look_first(form, p, n, &f);
	}
	b.n = n;
	b.n_zero = f.n_zero;
	b.n_subnormal = f.n_tiny - f.n_zero;
	b.min = f.min + 0.0; /* no negative zero */
	b.max = f.max + 0.0;
	if (n > 0 && form->is_scaled)
		b.scale = choose_scale(&f);
	if (b.scale != 0) {
		scale_values(p, n, b.scale, scaled);
		look_first(form, scaled, n, &f);
		add_sums(form, scaled, n, p, &f, counts, &b);
	} else if (n > 0) {
		add_sums(form, p, n, p, &f, counts, &b);
	}
	heft_moments_merge(m, &b);
}

static void add_blocks(const struct form *form, struct heft_moments *m, uint32_t *counts,
                       const uint8_t *p, size_t n)
{
	while (n > 0) {
		const size_t n_now = n < HEFT_MOMENTS_BLOCK ? n : HEFT_MOMENTS_BLOCK;

		add_block(form, m, counts, p, n_now);
		p += n_now * form->size;
		n -= n_now;
	}
}

static void scale_to(struct heft_moments *m, int64_t scale)
{
	for (; m->scale < scale; m->scale++) {
		m->mean *= SCALE_DOWN;
		m->mean_rest *= SCALE_DOWN;
		m->m2 = m->m2 * SCALE_DOWN * SCALE_DOWN;
	}
}

/* Chan, Golub and LeVeque. The mean has two parts because deviations of one mean from another are
 * all that counts, and a mean of one part would round them away. */
static void merge_sums(struct heft_moments *m, struct heft_moments later)
{
	const double share = (double)later.n / (double)(m->n + later.n);
	double deviation;
	double step;
	double mean;
	double part;

	scale_to(m, later.scale);
	scale_to(&later, m->scale);
	deviation = (later.mean - m->mean) + (later.mean_rest - m->mean_rest);
	step = m->mean_rest + deviation * share;
	/* mean + mean_rest = m->mean + step, exactly */
	mean = m->mean + step;
	part = mean - m->mean;
	m->mean_rest = (m->mean - (mean - part)) + (step - part);
	m->mean = mean;
	m->m2 = m->m2 + later.m2 + deviation * deviation * ((double)m->n * share);
}

void heft_moments_merge(struct heft_moments *m, const struct heft_moments *later)
{
	m->n_zero += later->n_zero;
	m->n_subnormal += later->n_subnormal;
	m->n_nan += later->n_nan;
	m->n_pos_inf += later->n_pos_inf;
	m->n_neg_inf += later->n_neg_inf;
	if (later->n == 0)
		return;
	if (m->n == 0) {
		m->min = later->min;
		m->max = later->max;
		m->mean = later->mean;
		m->mean_rest = later->mean_rest;
		m->m2 = later->m2;
		m->scale = later->scale;
	} else {
		m->min = later->min < m->min ? later->min : m->min;
		m->max = later->max > m->max ? later->max : m->max;
		merge_sums(m, *later);
	}
	m->n += later->n;
}

void heft_moments_f32_by(uint32_t cpu_bits, struct heft_moments *m, uint32_t *counts,
                         const uint8_t *p, size_t n)
{
	const struct form form = { heft_looks_f32(cpu_bits), 4, false };

	add_blocks(&form, m, counts, p, n);
}

void heft_moments_f64_by(uint32_t cpu_bits, struct heft_moments *m, uint32_t *counts,
                         const uint8_t *p, size_t n)
{
	const struct form form = { heft_looks_f64(cpu_bits), 8, true };

	add_blocks(&form, m, counts, p, n);
}

void heft_moments_f32(struct heft_moments *m, uint32_t *counts, const uint8_t *p, size_t n)
{
	heft_moments_f32_by(heft_cpu_bits(), m, counts, p, n);
}

void heft_moments_f64(struct heft_moments *m, uint32_t *counts, const uint8_t *p, size_t n)
{
	heft_moments_f64_by(heft_cpu_bits(), m, counts, p, n);
}
