/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_load.c - samples of an array, from where it lies or from where it was loaded. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "train/dataset.h"

/* A read of a row costs a microsecond, as much as copying some ten kilobytes. */
#define SMALL_ROW (UINT64_C(32) << 10)
#define SMALL_ARRAY (UINT64_C(64) << 20)

static enum heft_status room_for(struct heft_dataset *ds, struct heft_dataset_part *part,
                                 struct heft_error *err)
{
	if (part->is_packed)
		return heft_large_bytes_init(&part->bytes, part->n_bytes, ds->scratch_folder, err);
	/* It is small, and it has a file on disk already. */
	part->bytes = (struct heft_large_bytes){ .bytes = heft_alloc((size_t)part->n_bytes) };
	part->bytes.size = part->n_bytes;
	return part->bytes.bytes ? HEFT_OK
	                         : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
	                                     "no memory for array '%.80s'", part->name);
}

/* With the mutex held. */
static enum heft_status load(struct heft_dataset *ds, uint32_t i, struct heft_error *err)
{
	struct heft_dataset_part *part = &ds->parts[i];
	enum heft_status st;

	if (atomic_load(&part->is_loaded))
		return HEFT_OK;
	HEFT_TRY(room_for(ds, part, err));
	st = ds->kind->read(ds->st, i, 0, part->bytes.bytes, (size_t)part->n_bytes, err);
	if (st == HEFT_OK)
		atomic_store(&part->is_loaded, true);
	else
		heft_large_bytes_done(&part->bytes);
	return st;
}

enum heft_status heft_dataset_load(struct heft_dataset *ds, uint32_t i, const uint8_t **bytes,
                                   struct heft_error *err)
{
	struct heft_dataset_part *part = &ds->parts[i];
	enum heft_status st = HEFT_OK;

	*bytes = NULL;
	if (!atomic_load(&part->is_loaded)) {
		if (!part->is_packed &&
		    (part->array.n_bytes > SMALL_ROW || part->n_bytes > SMALL_ARRAY))
			return HEFT_OK;
		pthread_mutex_lock(&ds->mutex);
		st = load(ds, i, err);
		pthread_mutex_unlock(&ds->mutex);
	}
	if (st == HEFT_OK)
		*bytes = part->bytes.bytes;
	return st;
}

/* How many samples from `samples` on follow each other in the array. */
static size_t run_of(const uint64_t *samples, size_t n)
{
	size_t k = 1;

	while (k < n && samples[k] == samples[0] + k)
		k++;
	return k;
}

enum heft_status heft_dataset_read(struct heft_dataset *ds, uint32_t i, const uint64_t *samples,
                                   size_t n, void *dst, struct heft_error *err)
{
	const uint8_t *bytes;
	uint8_t *to = dst;
	size_t row;
	size_t all;

	if (i >= ds->n_parts)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "array %u of %u", i,
		                 ds->n_parts);
	for (size_t k = 0; k < n; k++)
		if (samples[k] >= ds->parts[i].n_samples)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "sample %llu of %llu",
			                 (unsigned long long)samples[k],
			                 (unsigned long long)ds->parts[i].n_samples);
	if (!heft_to_size(ds->parts[i].array.n_bytes, &row) || !heft_mul_size(row, n, &all))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "%zu samples of array '%.80s' do not fit into memory", n,
		                 ds->parts[i].name);
	HEFT_TRY(heft_dataset_load(ds, i, &bytes, err));
	for (size_t k = 0; k < n && row > 0;) {
		const size_t n_run = run_of(samples + k, n - k);

		if (bytes)
			memcpy(to, bytes + samples[k] * row, n_run * row);
		else
			HEFT_TRY(ds->kind->read(ds->st, i, samples[k] * row, to, n_run * row, err));
		to += n_run * row;
		k += n_run;
	}
	return HEFT_OK;
}
