/* SPDX-License-Identifier: Apache-2.0 */
/* feed_batch.c - memory for a batch, and filling it. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "train/feed_parts.h"

static uint32_t n_slots(const struct heft_feed *f)
{
	return f->n_inputs + (f->target_kind != HEFT_TARGET_NONE);
}

/* Bytes of n_room samples; false: too many. */
static bool room_of(uint64_t n_bytes, uint64_t n_room, size_t *size)
{
	uint64_t all;

	return heft_mul_u64(n_bytes, n_room, &all) && all <= INT64_MAX && heft_to_size(all, size);
}

static bool make_room(const struct heft_feed *f, struct heft_feed_batch *b)
{
	size_t raw_size = 0;
	size_t size;

	for (uint32_t i = 0; i < n_slots(f); i++) {
		const struct heft_feed_slot *s = &f->slots[i];

		if (!room_of(s->n_bytes, b->n_room, &size))
			return false;
		b->room[i] = heft_alloc(size);
		if (!b->room[i] || !room_of(s->from.n_bytes, b->n_room, &size))
			return false;
		if (!heft_feed_is_copied(s) && size > raw_size)
			raw_size = size;
	}
	b->raw = heft_alloc(raw_size);
	return b->raw != NULL;
}

enum heft_status heft_feed_batch_new(const struct heft_feed *f, uint64_t n_room,
                                     struct heft_feed_batch **out, struct heft_error *err)
{
	struct heft_feed_batch *b = heft_zalloc(sizeof *b);
	bool is_made = false;

	if (b) {
		b->n_room = n_room;
		b->n_inputs = f->n_inputs;
		b->inputs = heft_zalloc_array(f->n_inputs, sizeof *b->inputs);
		b->input_bytes = heft_zalloc_array(f->n_inputs, sizeof *b->input_bytes);
		b->room = heft_zalloc_array((size_t)f->n_inputs + 1, sizeof *b->room);
		is_made = b->inputs && b->input_bytes && b->room && make_room(f, b);
	}
	if (!is_made) {
		heft_feed_batch_free(b);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for a batch of %llu samples",
		                 (unsigned long long)n_room);
	}
	*out = b;
	return HEFT_OK;
}

void heft_feed_batch_free(struct heft_feed_batch *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; b->room && i <= b->n_inputs; i++)
		heft_free(b->room[i]);
	heft_free(b->room);
	heft_free(b->raw);
	heft_free(b->inputs);
	heft_free(b->input_bytes);
	heft_free(b);
}

static enum heft_status fill_slot(const struct heft_feed *f, const struct heft_feed_slot *s,
                                  uint8_t *raw, uint8_t *room, const uint64_t *samples, size_t n,
                                  struct heft_error *err)
{
	if (heft_feed_is_copied(s))
		return heft_dataset_read(f->ds, s->array, samples, n, room, err);
	HEFT_TRY(heft_dataset_read(f->ds, s->array, samples, n, raw, err));
	heft_feed_convert(s, raw, room, n);
	return HEFT_OK;
}

enum heft_status heft_feed_fill(const struct heft_feed *f, struct heft_feed_batch *b,
                                const uint64_t *samples, size_t n, struct heft_error *err)
{
	if (n > b->n_room)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%zu samples in a batch that has room for %llu", n,
		                 (unsigned long long)b->n_room);
	for (uint32_t i = 0; i < n_slots(f); i++)
		HEFT_TRY(fill_slot(f, &f->slots[i], b->raw, b->room[i], samples, n, err));
	for (uint32_t i = 0; i < f->n_inputs; i++) {
		heft_feed_describe_input(f, i, n, &b->inputs[i]);
		b->inputs[i].bytes = b->room[i];
		b->input_bytes[i] = b->room[i];
	}
	heft_feed_describe_target(f, n, &b->target);
	b->target.bytes = b->room[f->n_inputs];
	b->n = n;
	return HEFT_OK;
}
