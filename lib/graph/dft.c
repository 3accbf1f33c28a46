/* SPDX-License-Identifier: Apache-2.0 */
/* dft.c - the discrete Fourier transform: by the least prime factor of its length, again and again.
 */
#include "graph/dft.h"

#include "base/checked.h"
#include "base/error.h"
#include "kernel/elementary.h"

#define TWO_PI 0x1.921fb54442d18p2

/* So that products of two places have 64 bits. */
#define MAX_LENGTH (UINT64_C(1) << 31)

bool heft_dft_sizes(uint64_t n, size_t *table_size, size_t *line_size)
{
	if (n > MAX_LENGTH)
		return false;
	*table_size = (size_t)heft_align_up(n * 2 * sizeof(double), 64);
	*line_size = 3 * *table_size;
	return true;
}

void heft_dft_table(uint32_t cpu_bits, size_t n, bool is_inverse, double *table)
{
	for (size_t at = 0; at < n; at += 256) {
		const size_t n_now = n - at < 256 ? n - at : 256;
		double angles[256];
		double sines[256];

		for (size_t i = 0; i < n_now; i++)
			angles[i] = TWO_PI * (double)(at + i) / (double)n;
		heft_sin_f64_by(cpu_bits, sines, angles, n_now);
		heft_cos_f64_by(cpu_bits, angles, angles, n_now);
		for (size_t i = 0; i < n_now; i++) {
			table[2 * (at + i)] = angles[i];
			table[2 * (at + i) + 1] = is_inverse ? sines[i] : -sines[i];
		}
	}
}

struct heft_dft_line heft_dft_line_at(void *memory, size_t n)
{
	const size_t size = heft_align_up(n * 2 * sizeof(double), 64) / sizeof(double);
	double *first = memory;

	return (struct heft_dft_line){ first, first + size, first + 2 * size };
}

static size_t least_factor(size_t n)
{
	for (size_t p = 2; p <= n / p; p++) {
		if (n % p == 0)
			return p;
	}
	return n;
}

/* A transform of n numbers of a line, of which every `stride`-th is its own. */
struct part {
	const double *table;
	size_t n_all;
	double *rest;
	const double *in;
	size_t stride;
	double *out;
	size_t n;
};

/* Output k + q m, from the k-th of p transforms of m numbers, in `rest`. */
static void combine(const struct part *t, size_t p, size_t k, double *out)
{
	const double *y = t->rest;
	double re = y[0];
	double im = y[1];

	for (size_t r = 1; r < p; r++) {
		const size_t at = (size_t)((uint64_t)r * k % t->n) * (t->n_all / t->n);
		const double c = t->table[2 * at];
		const double s = t->table[2 * at + 1];
		const double cr = c * y[2 * r];
		const double si = s * y[2 * r + 1];
		const double ci = c * y[2 * r + 1];
		const double sr = s * y[2 * r];

		re = re + (cr - si);
		im = im + (ci + sr);
	}
	out[2 * k] = re;
	out[2 * k + 1] = im;
}

static void transform(const struct part *t)
{
	const size_t p = least_factor(t->n);
	const size_t m = t->n / p;

	if (t->n == 1) {
		t->out[0] = t->in[0];
		t->out[1] = t->in[1];
		return;
	}
	for (size_t r = 0; r < p; r++) {
		struct part inner = *t;

		inner.in = t->in + 2 * r * t->stride;
		inner.stride = t->stride * p;
		inner.out = t->out + 2 * r * m;
		inner.n = m;
		transform(&inner);
	}
	for (size_t k = 0; k < m; k++) {
		for (size_t r = 0; r < p; r++) {
			t->rest[2 * r] = t->out[2 * (r * m + k)];
			t->rest[2 * r + 1] = t->out[2 * (r * m + k) + 1];
		}
		for (size_t q = 0; q < p; q++)
			combine(t, p, k + q * m, t->out);
	}
}

void heft_dft_run(const double *table, size_t n, const struct heft_dft_line *line)
{
	const struct part all = { .table = table,
		                  .n_all = n,
		                  .rest = line->rest,
		                  .in = line->in,
		                  .stride = 1,
		                  .out = line->out,
		                  .n = n };

	transform(&all);
}

double heft_dft_get(const struct heft_array *a, uint64_t i)
{
	return a->dtype == HEFT_DTYPE_F64 ? ((const double *)a->bytes)[i]
	                                  : (double)((const float *)a->bytes)[i];
}

void heft_dft_put(const struct heft_array *a, uint64_t i, double value)
{
	if (a->dtype == HEFT_DTYPE_F64)
		((double *)a->bytes)[i] = value;
	else
		((float *)a->bytes)[i] = (float)value;
}

enum heft_status heft_dft_known_int(const struct heft_call *c, uint32_t i, int64_t *value,
                                    struct heft_error *err)
{
	uint32_t n;

	HEFT_TRY(heft_call_known_ints(c, i, value, 1, &n, err));
	if (n != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input %u is no number", i);
	return HEFT_OK;
}
