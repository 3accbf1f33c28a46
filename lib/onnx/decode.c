/* SPDX-License-Identifier: Apache-2.0 */
/* decode.c - the bytes of a weight that lies in typed fields (spec/foreign/onnx.md, O3-3). Where
 * the k-th number lies cannot be computed, so a weight of many numbers gets marks, every so many,
 * when it is first read; a small one is read from its beginning. */
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "onnx/fields.h"
#include "onnx/model.h"

#define MARK_EVERY 4096u /* numbers: a multiple of 4, so that 6-bit elements begin a byte there */
#define N_BATCH 512u     /* numbers; a multiple of 4 */

struct mark {
	uint64_t at;
	uint64_t end; /* of the run that it is in, behind which the message goes on */
};

struct heft_onnx_marks {
	uint64_t n;
	struct mark marks[];
};

/* Where a reader of numbers is. */
struct numbers {
	struct heft_wire_input *in;
	struct heft_wire_message message; /* what is left of it behind the run */
	struct heft_wire_message run; /* what is left of a packed field, or one number's bytes */
	uint64_t begin;               /* of the first run, for faults */
	uint32_t field;
	unsigned width; /* bytes of a number as it lies there; 0: a varint */
	const char *name;
};

static enum heft_status fail_few(const struct numbers *r, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, r->begin,
	                 "tensor '%.80s' has fewer elements than its shape", r->name);
}

/* Goes to the next run that holds something. */
static enum heft_status next_run(struct numbers *r, struct heft_error *err)
{
	const unsigned single = r->width == 0   ? HEFT_WIRE_VARINT
	                        : r->width == 4 ? HEFT_WIRE_FIXED32
	                                        : HEFT_WIRE_FIXED64;
	struct heft_wire_field f;
	bool has;

	while (r->run.at == r->run.end) {
		HEFT_TRY(heft_wire_next(r->in, &r->message, &f, &has, err));
		if (!has)
			return fail_few(r, err);
		if (f.number == r->field && (f.type == single || f.type == HEFT_WIRE_BYTES))
			r->run = heft_wire_inner(&f);
	}
	if (r->width > 0 && (r->run.end - r->run.at) % r->width != 0)
		return heft_fail(err, HEFT_E_CORRUPT, r->run.at,
		                 "the file changed while it was read");
	return HEFT_OK;
}

/* --- passing numbers over --- */

/* Passes over at most k varints of the n bytes: how many bytes that are, and how many ended. Each
 * ends with the one byte that is below 0x80, so eight bytes are counted at a time. */
static size_t pass_over(const uint8_t *bytes, size_t n, uint64_t k, uint64_t *n_ended)
{
	uint64_t ended = 0;
	size_t i = 0;

	while (n - i >= 8) {
		const uint64_t tops = ~heft_get_le64(bytes + i) & UINT64_C(0x8080808080808080);
		const unsigned more = (unsigned)__builtin_popcountll(tops);

		if (ended + more >= k)
			break;
		ended += more;
		i += 8;
	}
	while (i < n && ended < k)
		ended += bytes[i++] < 0x80;
	*n_ended = ended;
	return i;
}

static enum heft_status skip_varints(struct numbers *r, uint64_t *k, struct heft_error *err)
{
	while (*k > 0 && r->run.at < r->run.end) {
		const uint64_t left = r->run.end - r->run.at;
		const size_t n = left < HEFT_WIRE_PEEK ? (size_t)left : HEFT_WIRE_PEEK;
		const uint8_t *bytes = NULL;
		uint64_t ended = 0;

		HEFT_TRY(heft_wire_peek(r->in, r->run.at, n, &bytes, err));
		r->run.at += pass_over(bytes, n, *k, &ended);
		*k -= ended;
	}
	return HEFT_OK;
}

static enum heft_status skip(struct numbers *r, uint64_t k, struct heft_error *err)
{
	while (k > 0) {
		HEFT_TRY(next_run(r, err));
		if (r->width == 0) {
			HEFT_TRY(skip_varints(r, &k, err));
		} else {
			const uint64_t there = (r->run.end - r->run.at) / r->width;
			const uint64_t n = there < k ? there : k;

			r->run.at += n * r->width;
			k -= n;
		}
	}
	return HEFT_OK;
}

/* O3-3: behind the last number is none. */
static enum heft_status check_end(struct numbers *r, struct heft_error *err)
{
	struct heft_wire_message message = r->message;
	struct heft_wire_field f;
	bool is_more = r->run.at < r->run.end;
	bool has = true;

	while (!is_more) {
		HEFT_TRY(heft_wire_next(r->in, &message, &f, &has, err));
		if (!has)
			return HEFT_OK;
		is_more = f.number == r->field && f.size > 0;
	}
	return heft_fail(err, HEFT_E_CORRUPT, r->begin,
	                 "tensor '%.80s' has more elements than its shape", r->name);
}

/* --- marks --- */

static enum heft_status make_marks(struct numbers *r, uint64_t n_numbers,
                                   struct heft_onnx_marks **out, struct heft_error *err)
{
	const uint64_t n = n_numbers / MARK_EVERY + (n_numbers % MARK_EVERY != 0);
	struct heft_onnx_marks *m = NULL;
	enum heft_status st = HEFT_OK;

	if (n < (SIZE_MAX - sizeof *m) / sizeof *m->marks)
		m = heft_alloc(sizeof *m + (size_t)n * sizeof *m->marks);
	if (!m)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to find elements");
	for (m->n = 0; st == HEFT_OK && m->n < n; m->n++) {
		const uint64_t left = n_numbers - m->n * MARK_EVERY;

		st = next_run(r, err);
		m->marks[m->n] = (struct mark){ r->run.at, r->run.end };
		if (st == HEFT_OK)
			st = skip(r, left < MARK_EVERY ? left : MARK_EVERY, err);
	}
	if (st == HEFT_OK)
		st = check_end(r, err);
	if (st != HEFT_OK)
		heft_free(m);
	else
		*out = m;
	return st;
}

/* The marks of a weight, made by whoever is first; two that are first at once both make them, and
 * one's are kept. Nobody waits for another. */
static enum heft_status get_marks(const struct numbers *begin, uint64_t n_numbers,
                                  _Atomic(struct heft_onnx_marks *) *slot,
                                  const struct heft_onnx_marks **out, struct heft_error *err)
{
	struct heft_onnx_marks *m = atomic_load_explicit(slot, memory_order_acquire);
	struct heft_onnx_marks *made = NULL;
	struct numbers r = *begin;

	if (!m) {
		HEFT_TRY(make_marks(&r, n_numbers, &made, err));
		if (atomic_compare_exchange_strong(slot, &m, made))
			m = made;
		else
			heft_free(made);
	}
	*out = m;
	return HEFT_OK;
}

/* --- numbers --- */

/* Nine bytes and less are most; a varint of ten, as every negative number is, goes the long way. */
static inline unsigned get_varint(const uint8_t *bytes, size_t n, uint64_t *value)
{
	if (n >= 3) {
		*value = bytes[0] & 0x7f;
		if (bytes[0] < 0x80)
			return 1;
		*value |= (uint64_t)(bytes[1] & 0x7f) << 7;
		if (bytes[1] < 0x80)
			return 2;
		*value |= (uint64_t)(bytes[2] & 0x7f) << 14;
		if (bytes[2] < 0x80)
			return 3;
	}
	return heft_wire_get_varint(bytes, n, value);
}

/* At most n varints that lie wholly in what is seen of the run at once; at least one. */
static enum heft_status get_some(struct numbers *r, uint64_t *values, size_t n, size_t *n_got,
                                 struct heft_error *err)
{
	const uint64_t left = r->run.end - r->run.at;
	const size_t seen = left < HEFT_WIRE_PEEK ? (size_t)left : HEFT_WIRE_PEEK;
	const uint8_t *bytes = NULL;
	size_t at = 0;

	HEFT_TRY(heft_wire_peek(r->in, r->run.at, seen, &bytes, err));
	for (*n_got = 0; *n_got < n && at < seen; ++*n_got) {
		const unsigned used = get_varint(bytes + at, seen - at, &values[*n_got]);

		if (used == 0)
			break;
		at += used;
	}
	if (*n_got == 0) /* says why */
		HEFT_TRY(heft_wire_varint(r->in, &r->run, &values[(*n_got)++], err));
	r->run.at += at;
	return HEFT_OK;
}

static enum heft_status get_numbers(struct numbers *r, uint64_t *values, size_t n,
                                    struct heft_error *err)
{
	size_t n_got = 0;

	for (size_t k = 0; k < n; k += n_got) {
		HEFT_TRY(next_run(r, err));
		HEFT_TRY(get_some(r, values + k, n - k, &n_got, err));
	}
	return HEFT_OK;
}

/* Packs the low bits of n numbers, little-endian. 6 bits: four numbers in three bytes. */
static void pack(uint8_t *dst, const uint64_t *values, size_t n, unsigned bits)
{
	switch (bits) {
	case 6:
		memset(dst, 0, (6 * n + 7) / 8);
		for (size_t i = 0; i < n; i++) {
			const unsigned v = (unsigned)(values[i] & 63) << (6 * i % 8);

			dst[6 * i / 8] |= (uint8_t)v;
			if (v > 0xff)
				dst[6 * i / 8 + 1] |= (uint8_t)(v >> 8);
		}
		return;
	case 8:
		for (size_t i = 0; i < n; i++)
			dst[i] = (uint8_t)values[i];
		return;
	case 16:
		for (size_t i = 0; i < n; i++)
			heft_put_le16(dst + 2 * i, (uint16_t)values[i]);
		return;
	case 32:
		for (size_t i = 0; i < n; i++)
			heft_put_le32(dst + 4 * i, (uint32_t)values[i]);
		return;
	default:
		for (size_t i = 0; i < n; i++)
			heft_put_le64(dst + 8 * i, values[i]);
	}
}

/* Reads n bytes of the weight from the number that r is at, of which the first `late` are not
 * wanted: whole batches, as far as numbers are left. */
static enum heft_status read_varints(struct numbers *r, unsigned bits, uint64_t n_left, size_t late,
                                     uint8_t *dst, size_t n, struct heft_error *err)
{
	uint64_t values[N_BATCH];
	uint8_t bytes[N_BATCH * 8];

	while (n > 0) {
		const size_t want = (late + n) * 8 / bits + ((late + n) * 8 % bits != 0);
		size_t k = want < N_BATCH ? want : N_BATCH;
		size_t got;

		k = k < n_left ? k : (size_t)n_left;
		HEFT_TRY(get_numbers(r, values, k, err));
		pack(bytes, values, k, bits);
		got = (k * bits + 7) / 8 - late;
		got = got < n ? got : n;
		memcpy(dst, bytes + late, got);
		late = 0;
		n_left -= k;
		dst += got;
		n -= got;
	}
	return HEFT_OK;
}

/* Numbers that lie there as they are in the weight. */
static enum heft_status read_fixed(struct numbers *r, size_t late, uint8_t *dst, size_t n,
                                   struct heft_error *err)
{
	while (n > 0) {
		uint64_t there;
		size_t got;

		HEFT_TRY(next_run(r, err));
		there = r->run.end - r->run.at - late;
		got = there < n ? (size_t)there : n;
		HEFT_TRY(heft_wire_copy(r->in, r->run.at + late, dst, got, err));
		/* What is left of a number that was read in part is of no use any more. */
		r->run.at += (late + got) / r->width * r->width;
		late = (late + got) % r->width;
		dst += got;
		n -= got;
	}
	return HEFT_OK;
}

/* --- a weight --- */

/* Its numbers from the beginning, how many bits of it each holds, and how many there are. */
static void begin(struct heft_wire_input *in, const struct heft_onnx_model *model, uint32_t i,
                  struct numbers *r, unsigned *bits, uint64_t *n_numbers)
{
	const struct heft_onnx_weight *weight = &model->weights[i];
	const struct heft_onnx_frame *frame = &model->frames[weight->frame];
	const struct heft_listed *row = heft_listing_row(model->tensors, i);
	const struct heft_onnx_type *type = heft_onnx_type(
		heft_onnx_data_type((enum heft_dtype)row->dtype));
	const bool is_fixed = type->field == HEFT_TENSOR_FLOAT_DATA ||
	                      type->field == HEFT_TENSOR_DOUBLE_DATA;

	*bits = type->number_bits;
	*n_numbers = *bits == 6 ? row->n_elements : row->n_bytes / (*bits / 8);
	*r = (struct numbers){
		.in = in,
		.message = { frame->off, frame->off + frame->size },
		.begin = weight->off,
		.field = weight->is_floats ? (uint32_t)HEFT_ATTRIBUTE_FLOATS : type->field,
		.width = is_fixed ? type->number_bits / 8u : 0,
		.name = heft_listing_name(model->tensors, i),
	};
}

/* The first number that holds something of byte `off`, and how many bytes before it does. */
static uint64_t number_of(uint64_t off, unsigned bits, size_t *late)
{
	if (bits == 6) {
		*late = (size_t)(off % 3);
		return off / 3 * 4;
	}
	*late = (size_t)(off % (bits / 8));
	return off / (bits / 8);
}

static enum heft_status seek(struct numbers *r, uint64_t number_i, uint64_t n_numbers,
                             _Atomic(struct heft_onnx_marks *) *slot, struct heft_error *err)
{
	const struct heft_onnx_marks *m = NULL;
	const struct mark *mark;

	if (n_numbers <= MARK_EVERY)
		return skip(r, number_i, err);
	HEFT_TRY(get_marks(r, n_numbers, slot, &m, err));
	mark = &m->marks[number_i / MARK_EVERY];
	r->run = (struct heft_wire_message){ mark->at, mark->end };
	r->message.at = mark->end;
	return skip(r, number_i % MARK_EVERY, err);
}

static enum heft_status decode_fields(struct heft_wire_input *in,
                                      const struct heft_onnx_model *model, uint32_t i, uint64_t off,
                                      void *dst, size_t n, struct heft_error *err)
{
	struct numbers r;
	unsigned bits;
	uint64_t n_numbers;
	uint64_t first;
	size_t late;

	begin(in, model, i, &r, &bits, &n_numbers);
	first = number_of(off, bits, &late);
	HEFT_TRY(seek(&r, first, n_numbers, &model->marks[i], err));
	if (r.width > 0)
		HEFT_TRY(read_fixed(&r, late, dst, n, err));
	else
		HEFT_TRY(read_varints(&r, bits, n_numbers - first, late, dst, n, err));
	if (n_numbers <= MARK_EVERY && off + n == heft_listing_row(model->tensors, i)->n_bytes)
		return check_end(&r, err);
	return HEFT_OK;
}

enum heft_status heft_onnx_decode(struct heft_wire_input *in, const struct heft_onnx_model *model,
                                  uint32_t i, uint64_t off, void *dst, size_t n,
                                  struct heft_error *err)
{
	const struct heft_onnx_weight *weight = &model->weights[i];

	if (n == 0)
		return HEFT_OK;
	if (weight->store == HEFT_ONNX_RAW)
		return heft_wire_copy(in, weight->off + off, dst, n, err);
	if (weight->store == HEFT_ONNX_FIELDS)
		return decode_fields(in, model, i, off, dst, n, err);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "tensor '%.80s' is not in the model",
	                 heft_listing_name(model->tensors, i));
}
