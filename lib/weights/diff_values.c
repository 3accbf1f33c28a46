/* SPDX-License-Identifier: Apache-2.0 */
/* diff_values.c - compares elements of two tensors, block by block: each side is widened to F32 or
 * F64, which holds it without loss, and goes through the kernel. */
#include "weights/diff_values.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "tensor/cast.h"

/* Elements; a multiple of 4, so that packed ones begin at a whole byte. Both sides of a block, and
 * what they are widened to, stay in the fastest cache. Each block's sums are added to the total,
 * which rounds less than one long sum. */
#define BLOCK 1024

struct widened {
	uint8_t high[2 * BLOCK * 8]; /* F32 or F64; two parts of a complex number */
	uint8_t low[BLOCK * 8];      /* F64: what `high` lacks of an integer of 64 bits */
	uint64_t codes[BLOCK];       /* of elements narrower than a byte */
	double table[256];           /* by code, of the dtype below, which has 8 bits at most */
	enum heft_dtype table_dtype;
};

struct heft_diff_room {
	struct widened side[2];
};

/* A block of both sides: as it lies in the file, and as numbers. */
struct block {
	const struct heft_diff_way *way;
	struct heft_diff_room *room;
	const uint8_t *raw[2];
	const uint8_t *numbers[2];
	size_t n;
};

enum heft_status heft_diff_room_new(struct heft_diff_room **out, struct heft_error *err)
{
	struct heft_diff_room *room = heft_zalloc(sizeof *room);

	if (!room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a comparison");
	*out = room;
	return HEFT_OK;
}

void heft_diff_room_free(struct heft_diff_room *room)
{
	heft_free(room);
}

/* --- which way --- */

static bool is_real(const struct heft_dtype_info *info)
{
	return info && !info->is_complex && !info->is_block;
}

static bool is_long(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_I64 || dtype == HEFT_DTYPE_U64;
}

static bool needs_f64(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_F64 || dtype == HEFT_DTYPE_C128 || dtype == HEFT_DTYPE_I32 ||
	       dtype == HEFT_DTYPE_U32 || is_long(dtype);
}

static struct heft_diff_layout layout_of(const struct heft_dtype_info *info, uint32_t unit)
{
	if (info && !info->is_block)
		return (struct heft_diff_layout){ info->n_bytes, info->n_elements };
	return (struct heft_diff_layout){ unit, 1 };
}

bool heft_diff_way_pick(const enum heft_dtype *dtype, const uint32_t *unit,
                        struct heft_diff_way *way)
{
	const struct heft_dtype_info *a = heft_dtype_describe(dtype[0]);
	const struct heft_dtype_info *b = heft_dtype_describe(dtype[1]);
	const bool is_same = dtype[0] == dtype[1] && unit[0] == unit[1];
	const bool are_real = is_real(a) && is_real(b);
	const bool are_complex = a && b && a->is_complex && b->is_complex;

	if (!is_same && !are_real && !are_complex)
		return false;
	*way = (struct heft_diff_way){
		.dtype = { dtype[0], dtype[1] },
		.layout = { layout_of(a, unit[0]), layout_of(b, unit[1]) },
		.n_parts = are_complex ? 2 : 1,
		.is_same_dtype = is_same,
	};
	if (!are_real && !are_complex)
		way->numbers = HEFT_DIFF_OPAQUE;
	else if (is_long(dtype[0]) || is_long(dtype[1]))
		way->numbers = HEFT_DIFF_LONG;
	else if (needs_f64(dtype[0]) || needs_f64(dtype[1]))
		way->numbers = HEFT_DIFF_F64;
	else
		way->numbers = HEFT_DIFF_F32;
	return true;
}

/* --- numbers --- */

static double number_at(bool is_f32, const uint8_t *bytes, size_t i)
{
	if (is_f32) {
		const uint32_t code = heft_get_le32(bytes + 4 * i);
		float v;

		memcpy(&v, &code, sizeof v);
		return (double)v;
	}
	const uint64_t code = heft_get_le64(bytes + 8 * i);
	double v;

	memcpy(&v, &code, sizeof v);
	return v;
}

static void put_number(bool is_f32, uint8_t *bytes, size_t i, double number)
{
	if (is_f32) {
		const float v = (float)number;
		uint32_t code;

		memcpy(&code, &v, sizeof code);
		heft_put_le32(bytes + 4 * i, code);
		return;
	}
	uint64_t code;

	memcpy(&code, &number, sizeof code);
	heft_put_le64(bytes + 8 * i, code);
}

static void cast(enum heft_dtype to, uint8_t *dst, enum heft_dtype from, const uint8_t *src,
                 size_t n)
{
	const enum heft_status st = heft_cast_elements(to, dst, from, src, n, NULL);

	assert(st == HEFT_OK); /* both are real */
	(void)st;
}

static void fill_table(struct widened *w, enum heft_dtype dtype)
{
	const size_t n = (size_t)1 << heft_element_bits(dtype);

	for (size_t code = 0; code < n; code++) {
		const uint64_t wide = heft_cast_code(HEFT_DTYPE_F64, dtype, code);

		memcpy(&w->table[code], &wide, sizeof wide);
	}
	w->table_dtype = dtype;
}

/* Elements of 8 bits at most. */
static void widen_codes(struct widened *w, enum heft_dtype dtype, const uint8_t *src, size_t n,
                        bool to_f32)
{
	const unsigned n_bits = heft_element_bits(dtype);

	if (w->table_dtype != dtype)
		fill_table(w, dtype);
	heft_unpack_codes(n_bits, src, n, w->codes);
	for (size_t i = 0; i < n; i++)
		put_number(to_f32, w->high, i, w->table[w->codes[i]]);
}

static double integer_at(enum heft_dtype dtype, const uint8_t *src, size_t i)
{
	switch (dtype) {
	case HEFT_DTYPE_I16:
		return (double)(int16_t)heft_get_le16(src + 2 * i);
	case HEFT_DTYPE_U16:
		return (double)heft_get_le16(src + 2 * i);
	case HEFT_DTYPE_I32:
		return (double)(int32_t)heft_get_le32(src + 4 * i);
	default:
		return (double)heft_get_le32(src + 4 * i);
	}
}

/* The nearest F64, and what is left of the integer, which F64 holds too. */
static void put_long(struct widened *w, size_t i, bool has_sign, uint64_t code)
{
	const uint64_t top = code >> 32;
	const double upper = (has_sign ? (double)(int32_t)(uint32_t)top : (double)top) *
	                     4294967296.0;
	const double lower = (double)(code & UINT32_MAX);
	const double high = upper + lower;

	put_number(false, w->high, i, high);
	put_number(false, w->low, i, lower - (high - upper));
}

static bool is_wide_integer(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_I16 || dtype == HEFT_DTYPE_U16 || dtype == HEFT_DTYPE_I32 ||
	       dtype == HEFT_DTYPE_U32;
}

/* Gives side k's numbers: the bytes of the file where they are such numbers already. */
static void widen(struct block *b, int k)
{
	const struct heft_diff_way *way = b->way;
	const enum heft_dtype dtype = way->dtype[k];
	const bool to_f32 = way->numbers == HEFT_DIFF_F32;
	const enum heft_dtype part = dtype == HEFT_DTYPE_C64    ? HEFT_DTYPE_F32
	                             : dtype == HEFT_DTYPE_C128 ? HEFT_DTYPE_F64
	                                                        : dtype;
	const size_t n = b->n * way->n_parts;
	struct widened *w = &b->room->side[k];

	b->numbers[k] = w->high;
	if (way->numbers == HEFT_DIFF_LONG && !is_long(dtype))
		memset(w->low, 0, n * 8);
	if (part == (to_f32 ? HEFT_DTYPE_F32 : HEFT_DTYPE_F64))
		b->numbers[k] = b->raw[k];
	else if (is_long(dtype))
		for (size_t i = 0; i < n; i++)
			put_long(w, i, dtype == HEFT_DTYPE_I64, heft_get_le64(b->raw[k] + 8 * i));
	else if (is_wide_integer(dtype))
		for (size_t i = 0; i < n; i++)
			put_number(to_f32, w->high, i, integer_at(dtype, b->raw[k], i));
	else if (way->n_parts == 1 && heft_element_bits(dtype) <= 8)
		widen_codes(w, dtype, b->raw[k], n, to_f32);
	else
		cast(to_f32 ? HEFT_DTYPE_F32 : HEFT_DTYPE_F64, w->high, part, b->raw[k], n);
}

/* --- one block --- */

static bool is_same_number(double x, double y)
{
	return x == y || (isnan(x) && isnan(y));
}

/* Of two dtypes. */
static bool has_same_value(const struct block *b, size_t i)
{
	const bool is_f32 = b->way->numbers == HEFT_DIFF_F32;
	const size_t n_parts = b->way->n_parts;
	bool is_same = true;

	for (size_t p = n_parts * i; p < n_parts * (i + 1); p++)
		is_same = is_same && is_same_number(number_at(is_f32, b->numbers[0], p),
		                                    number_at(is_f32, b->numbers[1], p));
	if (b->way->numbers == HEFT_DIFF_LONG)
		is_same = is_same && memcmp(b->room->side[0].low + 8 * i,
		                            b->room->side[1].low + 8 * i, 8) == 0;
	return is_same;
}

static size_t count_codes(const struct block *b)
{
	const unsigned n_bits = heft_element_bits(b->way->dtype[0]);
	uint64_t *x = b->room->side[0].codes;
	uint64_t *y = b->room->side[1].codes;
	size_t count = 0;

	heft_unpack_codes(n_bits, b->raw[0], b->n, x);
	heft_unpack_codes(n_bits, b->raw[1], b->n, y);
	for (size_t i = 0; i < b->n; i++)
		count += x[i] != y[i];
	return count;
}

static size_t count_different(const struct block *b)
{
	size_t count = 0;

	if (b->way->is_same_dtype)
		return b->way->layout[0].n_elements > 1
		               ? count_codes(b)
		               : heft_diff_count(b->way->layout[0].n_bytes, b->raw[0], b->raw[1],
		                                 b->n);
	for (size_t i = 0; i < b->n; i++)
		count += !has_same_value(b, i);
	return count;
}

static void sum_block(const struct block *b, struct heft_diff_sums *s)
{
	const size_t n = b->n * b->way->n_parts;

	if (b->way->numbers == HEFT_DIFF_F32)
		heft_diff_sums_f32(b->numbers[0], b->numbers[1], n, s);
	else if (b->way->numbers == HEFT_DIFF_F64)
		heft_diff_sums_f64(b->numbers[0], b->numbers[1], n, s);
	else
		heft_diff_sums_long(b->numbers[0], b->room->side[0].low, b->numbers[1],
		                    b->room->side[1].low, n, s);
}

static bool is_finite(const struct block *b, size_t i)
{
	const bool is_f32 = b->way->numbers == HEFT_DIFF_F32;
	const size_t n_parts = b->way->n_parts;

	for (size_t p = n_parts * i; p < n_parts * (i + 1); p++)
		if (!isfinite(number_at(is_f32, b->numbers[0], p)) ||
		    !isfinite(number_at(is_f32, b->numbers[1], p)))
			return false;
	return true;
}

/* Elements of 8 bits and more alone have infinities and NaNs. */
static bool is_different(const struct block *b, size_t i)
{
	const size_t size = b->way->layout[0].n_bytes;

	if (!b->way->is_same_dtype)
		return !has_same_value(b, i);
	return memcmp(b->raw[0] + i * size, b->raw[1] + i * size, size) != 0;
}

/* Zeros leave every sum as it is, whatever lane they come to. */
static void clear(struct block *b, size_t i)
{
	const size_t size = (b->way->numbers == HEFT_DIFF_F32 ? 4 : 8) * b->way->n_parts;

	for (int k = 0; k < 2; k++) {
		memset(b->room->side[k].high + i * size, 0, size);
		if (b->way->numbers == HEFT_DIFF_LONG)
			memset(b->room->side[k].low + i * 8, 0, 8);
	}
}

/* Takes out what is not finite, of a copy where the numbers are the file's. The file's own bytes
 * say what differs, so the copy may be changed while they are looked at; of two dtypes, whatever is
 * not finite on one side is looked at before it is cleared. */
static void leave_out(struct block *b, struct heft_diff_measure *m)
{
	const size_t size = b->n * (b->way->numbers == HEFT_DIFF_F32 ? 4 : 8) * b->way->n_parts;

	for (int k = 0; k < 2; k++) {
		if (b->numbers[k] == b->raw[k])
			memcpy(b->room->side[k].high, b->raw[k], size);
		b->numbers[k] = b->room->side[k].high;
	}
	for (size_t i = 0; i < b->n; i++) {
		if (is_finite(b, i))
			continue;
		m->n_left_out++;
		m->n_not_finite += is_different(b, i);
		clear(b, i);
	}
}

static double max_magnitude(const struct block *b)
{
	const bool is_f32 = b->way->numbers == HEFT_DIFF_F32;
	double max = 0;

	for (size_t i = 0; i < 2 * b->n; i += 2) {
		const double re = number_at(is_f32, b->numbers[0], i) -
		                  number_at(is_f32, b->numbers[1], i);
		const double im = number_at(is_f32, b->numbers[0], i + 1) -
		                  number_at(is_f32, b->numbers[1], i + 1);
		const double square = re * re + im * im;

		max = square > max ? square : max;
	}
	return sqrt(max);
}

static void add_block(struct block *b, struct heft_diff_measure *m)
{
	struct heft_diff_sums sums;

	if (b->way->numbers == HEFT_DIFF_OPAQUE) {
		m->n_different += count_different(b);
		return;
	}
	widen(b, 0);
	widen(b, 1);
	m->n_different += count_different(b);
	sum_block(b, &sums);
	/* F64 whose squares overflow come here as well, and stay as they are. */
	if (!isfinite(sums.a_squares) || !isfinite(sums.b_squares)) {
		leave_out(b, m);
		sum_block(b, &sums);
	}
	if (b->way->n_parts == 2)
		sums.max = max_magnitude(b);
	heft_diff_sums_add(&m->sums, &sums);
}

void heft_diff_values(const struct heft_diff_way *way, struct heft_diff_room *room,
                      const uint8_t *a, const uint8_t *b, size_t n, struct heft_diff_measure *m)
{
	while (n > 0) {
		const size_t n_now = n < BLOCK ? n : BLOCK;
		struct block block = { .way = way, .room = room, .raw = { a, b }, .n = n_now };

		add_block(&block, m);
		a += heft_diff_bytes(&way->layout[0], n_now);
		b += heft_diff_bytes(&way->layout[1], n_now);
		n -= n_now;
	}
}

/* --- the whole --- */

void heft_diff_measure_add(struct heft_diff_measure *total, const struct heft_diff_measure *m)
{
	total->n_different += m->n_different;
	total->n_not_finite += m->n_not_finite;
	total->n_left_out += m->n_left_out;
	heft_diff_sums_add(&total->sums, &m->sums);
}

static double cosine_of(const struct heft_diff_sums *s)
{
	double cosine;

	if (s->a_squares == 0 && s->b_squares == 0)
		return 1;
	if (s->a_squares == 0 || s->b_squares == 0)
		return 0;
	cosine = s->products / (sqrt(s->a_squares) * sqrt(s->b_squares));
	return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

void heft_diff_measure_finish(const struct heft_diff_way *way, uint64_t n,
                              const struct heft_diff_measure *m, struct heft_difference *d)
{
	const uint64_t n_finite = n - m->n_left_out;

	d->is_compared = true;
	d->has_measures = way->numbers != HEFT_DIFF_OPAQUE;
	d->n_compared = n;
	d->n_different = m->n_different;
	d->n_not_finite = m->n_not_finite;
	if (!d->has_measures)
		return;
	d->max_abs = m->sums.max;
	d->rms = n_finite > 0 ? sqrt(m->sums.squares / (double)n_finite) : 0;
	d->relative = m->sums.squares == 0     ? 0
	              : m->sums.a_squares == 0 ? INFINITY
	                                       : sqrt(m->sums.squares) / sqrt(m->sums.a_squares);
	d->cosine = cosine_of(&m->sums);
}
