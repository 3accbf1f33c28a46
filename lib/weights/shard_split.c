/* SPDX-License-Identifier: Apache-2.0 */
/* shard_split.c - cuts a list of tensors into shards. */
#include "weights/shard_split.h"

#include "base/alloc.h"
#include "base/error.h"

#define MAX_SHARDS 65536u
#define OPEN UINT32_MAX /* the number of the shard that is being filled, which is not known yet */

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a list of shards");
}

/* Gives those of the tensors from `first` on that wait for it their number. */
static void close_shard(struct heft_shard_split *s, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		if (s->shard_of[i] == OPEN)
			s->shard_of[i] = s->n_shards;
	s->n_shards++;
}

/* As Hugging Face's libraries split: in order, a shard as full as can be; one tensor that is larger
 * than a shard is one by itself, counted before the one that is being filled (H5-2). */
static void split(struct heft_shard_split *s, const struct heft_listing *tensors,
                  uint64_t shard_size)
{
	const uint32_t n = heft_listing_n(tensors);
	uint32_t first = n; /* of the shard that is being filled; n: it is empty */
	uint64_t filled = 0;

	for (uint32_t i = 0; i < n; i++) {
		const uint64_t n_bytes = heft_listing_row(tensors, i)->n_bytes;

		if (n_bytes > shard_size) {
			s->shard_of[i] = s->n_shards++;
			continue;
		}
		if (filled + n_bytes > shard_size) {
			close_shard(s, first, i);
			first = n;
			filled = 0;
		}
		if (first == n)
			first = i;
		s->shard_of[i] = OPEN;
		filled += n_bytes;
	}
	if (first < n || s->n_shards == 0) /* a model without tensors is a file all the same */
		close_shard(s, first, n);
}

/* Lists every shard's tensors. */
static enum heft_status list_members(struct heft_shard_split *s, uint32_t n, struct heft_error *err)
{
	uint32_t *next = heft_alloc_array(s->n_shards, sizeof *next);

	s->first = heft_zalloc_array(s->n_shards + (size_t)1, sizeof *s->first);
	s->members = heft_alloc_array(n, sizeof *s->members);
	if (!next || !s->first || !s->members) {
		heft_free(next);
		return no_memory(err);
	}
	for (uint32_t i = 0; i < n; i++)
		s->first[s->shard_of[i] + 1]++;
	for (uint32_t k = 0; k < s->n_shards; k++) {
		s->first[k + 1] += s->first[k];
		next[k] = s->first[k];
	}
	for (uint32_t i = 0; i < n; i++)
		s->members[next[s->shard_of[i]]++] = i;
	heft_free(next);
	return HEFT_OK;
}

static enum heft_status name_shards(struct heft_shard_split *s, const struct heft_set *set,
                                    const char *stem, struct heft_error *err)
{
	s->names = heft_zalloc_array(s->n_shards, sizeof *s->names);
	if (!s->names)
		return no_memory(err);
	for (uint32_t k = 0; k < s->n_shards; k++) {
		struct heft_buffer b;

		heft_buffer_init(&b);
		set->add_shard_name(&b, stem, k, s->n_shards);
		s->names[k] = (char *)heft_buffer_take(&b, NULL);
		heft_buffer_done(&b);
		if (!s->names[k])
			return no_memory(err);
	}
	return HEFT_OK;
}

enum heft_status heft_shard_split_make(struct heft_shard_split *s,
                                       const struct heft_listing *tensors, uint64_t shard_size,
                                       const struct heft_set *set, const char *stem,
                                       struct heft_error *err)
{
	const uint32_t n = heft_listing_n(tensors);

	*s = (struct heft_shard_split){ .n_shards = 0 };
	s->shard_of = heft_alloc_array(n, sizeof *s->shard_of);
	if (!s->shard_of)
		return no_memory(err);
	split(s, tensors, shard_size);
	if (s->n_shards > MAX_SHARDS)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u shards are more than %u: --shard needs a larger size",
		                 s->n_shards, MAX_SHARDS);
	HEFT_TRY(list_members(s, n, err));
	return name_shards(s, set, stem, err);
}

void heft_shard_split_done(struct heft_shard_split *s)
{
	for (uint32_t k = 0; s->names && k < s->n_shards; k++)
		heft_free(s->names[k]);
	heft_free(s->names);
	heft_free(s->shard_of);
	heft_free(s->members);
	heft_free(s->first);
}
