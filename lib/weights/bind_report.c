/* SPDX-License-Identifier: Apache-2.0 */
/* bind_report.c - says what a binding came to: what does not fit, what found nothing and what it
 * could be, what a person should know. */
#include "weights/bind_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tensor/dtype.h"

#define QUOTED 60        /* bytes of a name in a message */
#define MAX_TOLD 32      /* tensors that find none */
#define MAX_CANDIDATES 8 /* of each */
#define MAX_DESCRIBED 64

/* "F32 [3, 4]"; what has no room is cut. */
static const char *describe(const struct heft_listing *l, uint32_t i, char *text)
{
	const struct heft_listed *row = heft_listing_row(l, i);
	const uint64_t *dims = heft_listing_dims(l, i);
	const char *name = heft_dtype_name((enum heft_dtype)row->dtype);
	size_t n;

	snprintf(text, MAX_DESCRIBED, "%s [", name ? name : "an unknown dtype");
	for (uint8_t d = 0; d < row->rank; d++) {
		n = strlen(text);
		snprintf(text + n, MAX_DESCRIBED - n, "%s%" PRIu64, d > 0 ? ", " : "", dims[d]);
	}
	n = strlen(text);
	snprintf(text + n, MAX_DESCRIBED - n, "]");
	return text;
}

static bool is_float(const struct heft_listing *l, uint32_t i)
{
	const struct heft_dtype_info *info = heft_dtype_describe(
		(enum heft_dtype)heft_listing_row(l, i)->dtype);

	return info && info->is_float;
}

/* Which option would make tensor k fit, as far as one would; "" where none does. */
static void suggest(const struct heft_binder *b, uint32_t i, uint32_t k, char *text, size_t size)
{
	const struct heft_listed *row = heft_listing_row(b->model, i);
	const char *dtype = heft_dtype_name((enum heft_dtype)row->dtype);
	const bool is_same = heft_bind_same_shape(b, i, k);
	const bool is_turned = heft_bind_reversed_shape(b, i, k);

	text[0] = '\0';
	if (!is_same && !is_turned)
		return;
	if (row->dtype == heft_listing_row(b->chosen, k)->dtype)
		snprintf(text, size, "%s", is_turned ? ": --allow-transpose takes it so" : "");
	else if (is_float(b->model, i) && is_float(b->chosen, k))
		snprintf(text, size, ": --dtype %s%s", dtype,
		         is_turned ? " --allow-transpose" : "");
	else if (dtype)
		snprintf(text, size, ": --dtype-of 'NAME=%s'%s", dtype,
		         is_turned ? " --allow-transpose" : "");
}

enum heft_status heft_bind_misfit(const struct heft_binder *b, uint32_t i, uint32_t k,
                                  struct heft_error *err)
{
	char wanted[MAX_DESCRIBED];
	char found[MAX_DESCRIBED];
	char advice[64];

	suggest(b, i, k, advice, sizeof advice);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "tensor '%.*s' is %s in the model and %s here%s", QUOTED,
	                 heft_listing_name(b->model, i), describe(b->model, i, wanted),
	                 describe(b->chosen, k, found), advice);
}

/* --- what found none --- */

static bool is_candidate(const struct heft_binder *b, uint32_t i, uint32_t k)
{
	return !b->is_taken[k] && heft_listing_row(b->chosen, k)->space == HEFT_SPACE_WEIGHTS &&
	       (heft_bind_same_shape(b, i, k) || heft_bind_reversed_shape(b, i, k));
}

/* Those of the dtype first. */
static uint32_t list_candidates(const struct heft_binder *b, uint32_t i, uint32_t *candidates)
{
	const uint16_t dtype = heft_listing_row(b->model, i)->dtype;
	uint32_t n = 0;

	for (int pass = 0; pass < 2; pass++)
		for (uint32_t k = 0; k < heft_listing_n(b->chosen) && n < MAX_CANDIDATES; k++)
			if (is_candidate(b, i, k) &&
			    (heft_listing_row(b->chosen, k)->dtype == dtype) == (pass == 0))
				candidates[n++] = k;
	return n;
}

static void tell(const struct heft_binder *b, uint32_t i)
{
	struct heft_tensor described[MAX_CANDIDATES];
	struct heft_unbound unbound = { .candidates = described };
	uint32_t candidates[MAX_CANDIDATES];

	heft_listing_describe(b->model, i, &unbound.tensor);
	unbound.n_candidates = list_candidates(b, i, candidates);
	for (uint32_t c = 0; c < unbound.n_candidates; c++)
		heft_listing_describe(b->chosen, candidates[c], &described[c]);
	b->plan->unbound(b->plan->unbound_user, &unbound);
}

/* "'a', 'b', …", or what else helps. */
static void advise(const struct heft_binder *b, uint32_t i, char *text, size_t size)
{
	uint32_t candidates[MAX_CANDIDATES];
	const uint32_t n = list_candidates(b, i, candidates);
	size_t used;

	if (n == 0) {
		snprintf(text, size, "nothing left has its shape; --keep leaves it as it is");
		return;
	}
	if (n == 1) {
		char advice[64];

		suggest(b, i, candidates[0], advice, sizeof advice);
		snprintf(text, size, "'%.*s' has its shape%s", QUOTED,
		         heft_listing_name(b->chosen, candidates[0]), advice);
		return;
	}
	used = (size_t)snprintf(text, size, "--rename one of ");
	for (uint32_t c = 0; c < n && used + QUOTED / 2 < size; c++) {
		snprintf(text + used, size - used, "%s'%.*s'", c > 0 ? ", " : "", QUOTED / 2,
		         heft_listing_name(b->chosen, candidates[c]));
		used = strlen(text);
	}
}

static bool is_missing(const struct heft_binder *b, uint32_t i)
{
	const enum heft_role role = b->roles ? b->roles[i] : HEFT_ROLE_WEIGHT;

	if (b->found[i] != HEFT_UNBOUND || b->is_kept[i] || !heft_bind_must_find(b, i))
		return false;
	return !b->is_alone[i] || (role != HEFT_ROLE_UNKNOWN && role != HEFT_ROLE_BUFFER);
}

enum heft_status heft_bind_check_found(const struct heft_binder *b, struct heft_error *err)
{
	uint32_t first = HEFT_UNBOUND;
	uint32_t n = 0;
	char what[MAX_DESCRIBED];
	char advice[192];

	for (uint32_t i = 0; i < heft_listing_n(b->model); i++) {
		if (!is_missing(b, i))
			continue;
		if (first == HEFT_UNBOUND)
			first = i;
		if (n++ < MAX_TOLD && b->plan->unbound)
			tell(b, i);
	}
	if (n == 0)
		return HEFT_OK;
	advise(b, first, advice, sizeof advice);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "%u tensor%s of the model find%s none here, '%.*s' %s: %s", n,
	                 n == 1 ? "" : "s", n == 1 ? "s" : "", QUOTED,
	                 heft_listing_name(b->model, first), describe(b->model, first, what),
	                 advice);
}

/* --- what a person should know --- */

static const char *first_kept(const struct heft_binder *b)
{
	for (uint32_t i = 0; i < heft_listing_n(b->model); i++)
		if (b->found[i] == HEFT_UNBOUND && !b->is_kept[i])
			return heft_listing_name(b->model, i);
	return "";
}

static const char *first_spare(const struct heft_binder *b)
{
	for (uint32_t k = 0; k < b->selection.n; k++)
		if (!b->is_taken[k])
			return heft_listing_name(b->chosen, k);
	return "";
}

/* Adds to a note; what has no room is cut. */
__attribute__((format(printf, 3, 4))) static void add(char *note, size_t note_size, const char *fmt,
                                                      ...)
{
	const char *between = note[0] ? "; " : "";
	va_list args;
	size_t n;

	n = strlen(note);
	snprintf(note + n, note_size - n, "%s", between);
	n = strlen(note);
	va_start(args, fmt);
	vsnprintf(note + n, note_size - n, fmt, args);
	va_end(args);
}

void heft_bind_note(const struct heft_binder *b, char *note, size_t note_size)
{
	const struct heft_binding *r = b->result;
	const uint32_t n_spare = r->n_chosen - r->n_placed;

	note[0] = '\0';
	if (r->n_by_shape > 0)
		add(note, note_size, "%u found by shape alone", r->n_by_shape);
	if (r->n_transposed > 0)
		add(note, note_size, "%u transposed", r->n_transposed);
	if (r->n_kept > 0)
		add(note, note_size, "%u of the model keep%s its bytes, as '%.*s'", r->n_kept,
		    r->n_kept == 1 ? "s" : "", QUOTED, first_kept(b));
	if (n_spare > 0)
		add(note, note_size, "%u of the source ha%s no place, as '%.*s'", n_spare,
		    n_spare == 1 ? "s" : "ve", QUOTED, first_spare(b));
}
