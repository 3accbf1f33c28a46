/* SPDX-License-Identifier: Apache-2.0 */
/* feed_check.c - goes through the samples before the first step and says what would spoil the run:
 * labels that are no classes, numbers that are none, numbers that do not fit. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "train/dataset.h"
#include "train/feed_parts.h"

#define AT_ONCE_BYTES (UINT64_C(4) << 20)
#define AT_ONCE_MAX 4096u
#define MAX_CLASSES (UINT64_C(1) << 24) /* that are counted where the model does not tell */
#define MAX_NAMED 5u                    /* missing classes that are told by number */

struct labels {
	int64_t least;
	int64_t greatest;
	bool is_any;
	bool is_bad; /* the first that is no class */
	int64_t bad;
	uint64_t bad_sample;
};

struct look {
	const struct heft_feed *f;
	const struct heft_feed_check *check;
	struct heft_feed_report *report;
	struct labels labels;
	uint64_t *samples; /* that are looked at, at once */
	uint8_t *raw;      /* as stored */
	uint8_t *cooked;   /* as the model takes them */
	uint8_t *back;     /* cast to what they were */
	size_t n_room;
	uint64_t n_done;
	uint64_t n_all;
};

static bool is_float(enum heft_dtype dtype)
{
	return heft_dtype_describe(dtype)->is_float;
}

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to look at the samples");
}

/* --- numbers --- */

static double number_at(const struct heft_feed_slot *s, const uint8_t *bytes, uint64_t i)
{
	const size_t size = heft_dtype_describe(s->dtype)->n_bytes;
	double value = 0;

	(void)heft_cast_elements(HEFT_DTYPE_F64, &value, s->dtype, bytes + i * size, 1, NULL);
	return value;
}

/* The first of n elements that is neither finite nor, where that is wanted, from 0 to 1; n: none
 * is. */
static uint64_t find_bad_f32(const uint8_t *bytes, uint64_t n, bool must_be_share)
{
	for (uint64_t i = 0; i < n; i++) {
		float v;

		memcpy(&v, bytes + i * sizeof v, sizeof v);
		if (!isfinite(v) || (must_be_share && (v < 0 || v > 1)))
			return i;
	}
	return n;
}

static uint64_t find_bad(const struct heft_feed_slot *s, const uint8_t *bytes, uint64_t n,
                         bool must_be_share)
{
	if (s->dtype == HEFT_DTYPE_F32)
		return find_bad_f32(bytes, n, must_be_share);
	for (uint64_t i = 0; i < n; i++) {
		const double v = number_at(s, bytes, i);

		if (!isfinite(v) || (must_be_share && (v < 0 || v > 1)))
			return i;
	}
	return n;
}

static enum heft_status refuse_number(const struct look *l, const struct heft_feed_slot *s,
                                      uint64_t i, struct heft_error *err)
{
	const double v = number_at(s, l->cooked, i);
	const uint64_t sample = l->samples[i / s->n_elements];

	if (isfinite(v))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%g in sample %llu (array '%.80s'): the loss wants targets from 0 "
		                 "to 1",
		                 v, (unsigned long long)sample, s->from.name);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "sample %llu has %s at its element %llu (array '%.80s')",
	                 (unsigned long long)sample, isnan(v) ? "a NaN" : "an infinity",
	                 (unsigned long long)(i % s->n_elements), s->from.name);
}

/* Whole numbers that became narrower ones, or floating ones that became labels: cast back they are
 * what they were. */
static enum heft_status check_fits(const struct look *l, const struct heft_feed_slot *s, size_t n,
                                   struct heft_error *err)
{
	const size_t size = heft_dtype_describe(s->from.dtype)->n_bytes;
	const uint64_t n_elements = n * s->n_elements;
	double value = 0;

	(void)heft_cast_elements(s->from.dtype, l->back, s->dtype, l->cooked, (size_t)n_elements,
	                         NULL);
	for (uint64_t i = 0; i < n_elements; i++) {
		if (memcmp(l->back + i * size, l->raw + i * size, size) == 0)
			continue;
		(void)heft_cast_elements(HEFT_DTYPE_F64, &value, s->from.dtype, l->raw + i * size,
		                         1, NULL);
		if (value == 0)
			continue; /* -0, and what stands for false */
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%.17g in sample %llu (array '%.80s') does not fit %s", value,
		                 (unsigned long long)l->samples[i / s->n_elements], s->from.name,
		                 heft_dtype_name(s->dtype));
	}
	return HEFT_OK;
}

/* --- labels --- */

static bool is_ignored(const struct heft_feed_check *check, int64_t label)
{
	return check->has_ignored && label == check->ignored;
}

/* Room for the count of a class that the model did not tell of. */
static enum heft_status count(struct look *l, int64_t label, struct heft_error *err)
{
	struct heft_feed_report *r = l->report;
	const uint64_t class = (uint64_t)label;

	if (!r)
		return HEFT_OK;
	if (class >= r->n_classes) {
		uint64_t *more = heft_realloc_array(r->n_of_class, (size_t) class + 1,
		                                    sizeof *more);

		if (!more)
			return no_memory(err);
		memset(more + r->n_classes, 0, (size_t)(class + 1 - r->n_classes) * sizeof *more);
		r->n_of_class = more;
		r->n_classes = class + 1;
	}
	r->n_of_class[class]++;
	return HEFT_OK;
}

static enum heft_status look_at_labels(struct look *l, const struct heft_feed_slot *s, size_t n,
                                       struct heft_error *err)
{
	const uint64_t most = l->check->n_classes > 0 ? l->check->n_classes : MAX_CLASSES;
	struct labels *a = &l->labels;

	for (uint64_t i = 0; i < n * s->n_elements; i++) {
		int64_t label;

		memcpy(&label, l->cooked + i * sizeof label, sizeof label);
		if (is_ignored(l->check, label)) {
			if (l->report)
				l->report->n_ignored++;
			continue;
		}
		a->least = !a->is_any || label < a->least ? label : a->least;
		a->greatest = !a->is_any || label > a->greatest ? label : a->greatest;
		a->is_any = true;
		if (label >= 0 && (uint64_t)label < most) {
			HEFT_TRY(count(l, label, err));
		} else if (!a->is_bad) {
			a->is_bad = true;
			a->bad = label;
			a->bad_sample = l->samples[i / s->n_elements];
		}
	}
	return HEFT_OK;
}

/* Behind the last sample: then it is known what labels there are. */
static enum heft_status judge_labels(const struct look *l, struct heft_error *err)
{
	const uint64_t n_classes = l->check->n_classes;
	const char *name = heft_feed_target_array(l->f);
	const struct labels *a = &l->labels;
	const bool begins_with_1 = a->least == 1 && (uint64_t)a->greatest == n_classes;

	if (!a->is_any)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "no sample has a label (array '%.80s')", name);
	if (!a->is_bad)
		return HEFT_OK;
	if (n_classes == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "label %lld of sample %llu (array '%.80s') is no class: labels go "
		                 "from %lld to %lld",
		                 (long long)a->bad, (unsigned long long)a->bad_sample, name,
		                 (long long)a->least, (long long)a->greatest);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "label %lld of sample %llu (array '%.60s'): the model has %llu classes, 0 "
	                 "to %llu; labels go from %lld to %lld%s",
	                 (long long)a->bad, (unsigned long long)a->bad_sample, name,
	                 (unsigned long long)n_classes, (unsigned long long)(n_classes - 1),
	                 (long long)a->least, (long long)a->greatest,
	                 begins_with_1 ? ": one is to be subtracted from each" : "");
}

static void add_class(struct heft_buffer *text, const struct look *l, uint64_t class)
{
	uint32_t n;
	const char *const *names = heft_dataset_class_names(l->f->ds, &n);

	heft_buffer_addf(text, "%llu", (unsigned long long)class);
	if (class < n)
		heft_buffer_addf(text, " ('%.20s')", names[class]);
}

/* "class 3 has no samples", "classes 3, 7, 9 have no samples" */
static void note_missing(const struct look *l)
{
	struct heft_feed_report *r = l->report;
	struct heft_buffer text;

	heft_buffer_init(&text);
	for (uint64_t c = 0; c < r->n_classes; c++) {
		if (r->n_of_class[c] > 0)
			continue;
		if (r->n_missing++ >= MAX_NAMED)
			continue;
		heft_buffer_addf(&text, "%s", r->n_missing > 1 ? ", " : "");
		add_class(&text, l, c);
	}
	if (r->n_missing > 0)
		snprintf(r->note, sizeof r->note, "%s %.*s%s no samples",
		         r->n_missing > 1 ? "classes" : "class", (int)text.size,
		         text.size > 0 ? (const char *)text.bytes : "",
		         r->n_missing > MAX_NAMED ? " and others have"
		         : r->n_missing > 1       ? " have"
		                                  : " has");
	heft_buffer_done(&text);
}

/* --- a slot after another --- */

static bool is_target(const struct look *l, const struct heft_feed_slot *s)
{
	return s == &l->f->slots[l->f->n_inputs];
}

static bool is_labels(const struct look *l, const struct heft_feed_slot *s)
{
	return is_target(l, s) && l->f->target_kind == HEFT_TARGET_CLASSES;
}

/* Whole numbers of this dtype are all of those that the other one has. */
static bool holds_all(enum heft_dtype to, enum heft_dtype from)
{
	const struct heft_dtype_info *a = heft_dtype_describe(to);
	const struct heft_dtype_info *b = heft_dtype_describe(from);
	const bool from_is_unsigned = from == HEFT_DTYPE_U8 || from == HEFT_DTYPE_U16 ||
	                              from == HEFT_DTYPE_U32 || from == HEFT_DTYPE_U64 ||
	                              from == HEFT_DTYPE_BOOL;
	const bool to_is_unsigned = to == HEFT_DTYPE_U8 || to == HEFT_DTYPE_U16 ||
	                            to == HEFT_DTYPE_U32 || to == HEFT_DTYPE_U64;

	if (to == from)
		return true;
	if (a->is_float || to == HEFT_DTYPE_BOOL)
		return a->is_float && !b->is_float;
	if (b->is_float || (to_is_unsigned && !from_is_unsigned))
		return false;
	return a->n_bytes > b->n_bytes || (a->n_bytes == b->n_bytes && from == HEFT_DTYPE_BOOL);
}

/* Whether the numbers have to be looked at at all. */
static bool needs_look(const struct look *l, const struct heft_feed_slot *s)
{
	if (is_labels(l, s))
		return true;
	return is_float(s->dtype)
	               ? is_float(s->from.dtype) || (is_target(l, s) && l->check->must_be_shares)
	               : !holds_all(s->dtype, s->from.dtype);
}

static enum heft_status look_at(struct look *l, const struct heft_feed_slot *s, size_t n,
                                struct heft_error *err)
{
	uint64_t bad;

	HEFT_TRY(heft_dataset_read(l->f->ds, s->array, l->samples, n, l->raw, err));
	heft_feed_convert(s, l->raw, l->cooked, n);
	if (!is_float(s->dtype) && !holds_all(s->dtype, s->from.dtype))
		HEFT_TRY(check_fits(l, s, n, err));
	if (is_labels(l, s))
		return look_at_labels(l, s, n, err);
	if (!is_float(s->dtype))
		return HEFT_OK;
	bad = find_bad(s, l->cooked, n * s->n_elements,
	               is_target(l, s) && l->check->must_be_shares);
	return bad == n * s->n_elements ? HEFT_OK : refuse_number(l, s, bad, err);
}

static enum heft_status make_room(struct look *l, const struct heft_feed_slot *s,
                                  struct heft_error *err)
{
	const uint64_t each = s->from.n_bytes > s->n_bytes ? s->from.n_bytes : s->n_bytes;
	const uint64_t fitting = each > 0 ? AT_ONCE_BYTES / each : AT_ONCE_MAX;
	size_t n;

	n = fitting > AT_ONCE_MAX ? AT_ONCE_MAX : fitting > 0 ? (size_t)fitting : 1;
	l->n_room = n;
	l->samples = heft_alloc_array(n, sizeof *l->samples);
	l->raw = heft_alloc_array(n, (size_t)s->from.n_bytes);
	l->cooked = heft_alloc_array(n, (size_t)s->n_bytes);
	l->back = heft_alloc_array(n, (size_t)s->from.n_bytes);
	return l->samples && l->raw && l->cooked && l->back ? HEFT_OK : no_memory(err);
}

static void room_done(struct look *l)
{
	heft_free(l->samples);
	heft_free(l->raw);
	heft_free(l->cooked);
	heft_free(l->back);
	l->samples = NULL;
	l->raw = NULL;
	l->cooked = NULL;
	l->back = NULL;
}

static enum heft_status tell(struct look *l, size_t n, struct heft_error *err)
{
	const struct heft_run *run = &l->check->run;

	l->n_done += n;
	if (run->progress && run->progress(run->user, l->n_done, l->n_all))
		return heft_fail(err, HEFT_E_CANCELLED, HEFT_NO_OFFSET, "stopped");
	return HEFT_OK;
}

static enum heft_status look_through(struct look *l, const struct heft_feed_slot *s,
                                     uint64_t n_samples, struct heft_error *err)
{
	for (uint64_t first = 0; first < n_samples; first += l->n_room) {
		const uint64_t left = n_samples - first;
		const size_t n = left < l->n_room ? (size_t)left : l->n_room;

		for (size_t k = 0; k < n; k++)
			l->samples[k] = l->check->samples ? l->check->samples[first + k]
			                                  : first + k;
		HEFT_TRY(look_at(l, s, n, err));
		HEFT_TRY(tell(l, n, err));
	}
	return HEFT_OK;
}

static enum heft_status begin_report(struct look *l, struct heft_error *err)
{
	struct heft_feed_report *r = l->report;

	if (!r)
		return HEFT_OK;
	*r = (struct heft_feed_report){ .n_classes = l->check->n_classes };
	if (l->f->target_kind != HEFT_TARGET_CLASSES)
		r->n_classes = 0;
	r->n_of_class = heft_zalloc_array((size_t)r->n_classes, sizeof *r->n_of_class);
	return r->n_of_class ? HEFT_OK : no_memory(err);
}

static enum heft_status look_at_all(struct look *l, struct heft_error *err)
{
	const struct heft_feed *f = l->f;
	const uint64_t n = l->check->samples ? l->check->n_samples : heft_dataset_n_samples(f->ds);
	const uint32_t n_slots = f->n_inputs + (f->target_kind != HEFT_TARGET_NONE);
	enum heft_status st = HEFT_OK;

	for (uint32_t i = 0; i < n_slots; i++)
		l->n_all += needs_look(l, &f->slots[i]) ? n : 0;
	/* The target first: it is small, and most often wrong. */
	for (uint32_t k = n_slots; st == HEFT_OK && k > 0; k--) {
		const struct heft_feed_slot *s = &f->slots[k - 1];

		if (!needs_look(l, s))
			continue;
		st = make_room(l, s, err);
		if (st == HEFT_OK)
			st = look_through(l, s, n, err);
		if (st == HEFT_OK && is_labels(l, s))
			st = judge_labels(l, err);
		room_done(l);
	}
	return st;
}

enum heft_status heft_feed_check(const struct heft_feed *f, const struct heft_feed_check *check,
                                 struct heft_feed_report *report, struct heft_error *err)
{
	struct look l = { .f = f, .check = check, .report = report };
	enum heft_status st = begin_report(&l, err);

	if (st == HEFT_OK)
		st = look_at_all(&l, err);
	if (st == HEFT_OK && report)
		note_missing(&l);
	else if (st != HEFT_OK && report)
		heft_feed_report_done(report);
	return st;
}

void heft_feed_report_done(struct heft_feed_report *r)
{
	heft_free(r->n_of_class);
	*r = (struct heft_feed_report){ .n_of_class = NULL };
}
