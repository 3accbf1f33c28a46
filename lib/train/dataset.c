/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.c - opens data sets of any kind and tells what is in them. */
#include "train/dataset.h"

#include <sys/stat.h>

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/source.h"
#include "base/utf8.h"
#include "format/gzip.h"

#define QUOTED_SIZE 160 /* bytes of a list in a message */

#define HEFT_DATASET_KIND(kind) extern const struct heft_dataset_kind heft_dataset_kind_##kind;
#include "train/dataset_list.inc"
#undef HEFT_DATASET_KIND

static const struct heft_dataset_kind *const kinds[] = {
#define HEFT_DATASET_KIND(kind) &heft_dataset_kind_##kind,
#include "train/dataset_list.inc"
#undef HEFT_DATASET_KIND
};

#define N_KINDS (sizeof kinds / sizeof kinds[0])

const char *heft_dataset_kind_at(uint32_t i)
{
	return i < N_KINDS ? kinds[i]->name : NULL;
}

/* --- which kind --- */

static enum heft_status look_inside(struct heft_source *src, struct heft_dataset_place *place,
                                    struct heft_error *err)
{
	struct heft_gzip *g;
	enum heft_status st;

	place->head_size = heft_source_size(src) < HEFT_DATASET_HEAD_SIZE
	                           ? (size_t)heft_source_size(src)
	                           : HEFT_DATASET_HEAD_SIZE;
	HEFT_TRY(heft_source_read(src, 0, place->head, place->head_size, err));
	place->is_gzip = heft_gzip_is(place->head, place->head_size);
	if (!place->is_gzip)
		return HEFT_OK;
	HEFT_TRY(heft_gzip_new(src, &g, err));
	st = heft_gzip_read(g, place->head, HEFT_DATASET_HEAD_SIZE, &place->head_size, err);
	heft_gzip_free(g);
	return st;
}

static enum heft_status look_at(const char *path, struct heft_dataset_place *place,
                                struct heft_error *err)
{
	struct heft_source *src;
	struct stat s;
	enum heft_status st;

	*place = (struct heft_dataset_place){ .path = path };
	if (stat(path, &s) != 0)
		return HEFT_OK;
	place->is_folder = S_ISDIR(s.st_mode);
	if (place->is_folder)
		return HEFT_OK;
	HEFT_TRY(heft_source_open(path, false, &src, err));
	place->is_file = true;
	st = look_inside(src, place, err);
	heft_source_close(src);
	return st;
}

static enum heft_status pick_kind(const struct heft_dataset_place *place, const char *name,
                                  const struct heft_dataset_kind **out, struct heft_error *err)
{
	unsigned best = 0;

	*out = NULL;
	for (size_t i = 0; i < N_KINDS; i++) {
		unsigned sure = 0;

		if (name)
			sure = strcmp(kinds[i]->name, name) == 0;
		else
			HEFT_TRY(kinds[i]->probe(place, &sure, err));
		if (sure > best) {
			best = sure;
			*out = kinds[i];
		}
	}
	if (*out)
		return HEFT_OK;
	if (name)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "no kind of data set is called '%.80s'", name);
	if (!place->is_file && !place->is_folder)
		return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET, "there is no such file");
	return heft_fail(err, HEFT_E_NOT_FORMAT, HEFT_NO_OFFSET, "no data set is recognised");
}

/* --- arrays --- */

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a data set");
}

static bool is_number(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info && info->n_elements == 1 &&
	       (info->is_float || info->is_integer || dtype == HEFT_DTYPE_BOOL);
}

/* Fills all of the part but its name. */
static enum heft_status describe(struct heft_dataset_part *part, const char *name,
                                 enum heft_dtype dtype, uint32_t rank, const uint64_t *dims,
                                 uint64_t place, struct heft_error *err)
{
	struct heft_dataset_array *a = &part->array;

	if (!heft_utf8_ok(name, strlen(name)))
		return heft_fail(err, HEFT_E_UNSUPPORTED, place,
		                 "the name of an array is not UTF-8");
	if (!is_number(dtype))
		return heft_fail(err, HEFT_E_UNSUPPORTED, place,
		                 "array '%.80s' is %s, which no sample is made of", name,
		                 heft_dtype_name(dtype));
	if (rank == 0 || rank - 1 > HEFT_VALUE_MAX_RANK)
		return heft_fail(err, HEFT_E_UNSUPPORTED, place,
		                 "array '%.80s' has %u dimensions: 1 to %d are possible, the first "
		                 "counts the samples",
		                 name, rank, HEFT_VALUE_MAX_RANK + 1);
	if (dims[0] == 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, place, "array '%.80s' has no samples",
		                 name);
	HEFT_TRY(heft_tensor_size(dtype, rank, dims, NULL, &part->n_bytes, err));
	HEFT_TRY(heft_tensor_size(dtype, rank - 1, dims + 1, NULL, &a->n_bytes, err));
	part->n_samples = dims[0];
	a->dtype = dtype;
	a->rank = rank - 1;
	memcpy(a->dims, dims + 1, a->rank * sizeof *dims);
	return HEFT_OK;
}

enum heft_status heft_dataset_add(struct heft_dataset *ds, const char *name, enum heft_dtype dtype,
                                  uint32_t rank, const uint64_t *dims, bool is_packed,
                                  uint64_t place, struct heft_error *err)
{
	struct heft_dataset_part part = { .is_packed = is_packed };
	struct heft_dataset_part *more;
	uint64_t n_bytes;

	HEFT_TRY(describe(&part, name, dtype, rank, dims, place, err));
	if (!heft_add_u64(ds->n_bytes, part.n_bytes, &n_bytes) || n_bytes > ds->max_bytes)
		return heft_fail(err, HEFT_E_LIMIT, place,
		                 "with array '%.80s' the data set has more than %llu bytes", name,
		                 (unsigned long long)ds->max_bytes);
	more = heft_realloc_array(ds->parts, (size_t)ds->n_parts + 1, sizeof *more);
	if (!more)
		return no_memory(err);
	ds->parts = more;
	part.name = heft_strdup(name);
	if (!part.name)
		return no_memory(err);
	part.array.name = part.name;
	more[ds->n_parts++] = part;
	ds->n_bytes = n_bytes;
	return HEFT_OK;
}

void heft_dataset_set_bytes(struct heft_dataset *ds, uint32_t i, struct heft_large_bytes *bytes)
{
	struct heft_dataset_part *part = &ds->parts[i];

	part->bytes = *bytes;
	*bytes = (struct heft_large_bytes){ .bytes = NULL };
	atomic_store(&part->is_loaded, true);
}

void heft_dataset_add_shape(struct heft_buffer *text, uint64_t first, uint32_t rank,
                            const uint64_t *dims)
{
	const char *before = "";

	heft_buffer_addf(text, "[");
	if (first != UINT64_MAX) {
		heft_buffer_addf(text, "%llu", (unsigned long long)first);
		before = ",";
	}
	for (uint32_t d = 0; d < rank; d++) {
		heft_buffer_addf(text, "%s%llu", before, (unsigned long long)dims[d]);
		before = ",";
	}
	heft_buffer_addf(text, "]");
}

void heft_dataset_list(const struct heft_dataset *ds, struct heft_buffer *text)
{
	for (uint32_t i = 0; i < ds->n_parts; i++) {
		const struct heft_dataset_array *a = &ds->parts[i].array;

		heft_buffer_addf(text, "%s%.60s %s ", i > 0 ? ", " : "", a->name,
		                 heft_dtype_name(a->dtype));
		heft_dataset_add_shape(text, ds->parts[i].n_samples, a->rank, a->dims);
	}
}

/* The first dimension is the samples, so all arrays have the same. */
static enum heft_status check_arrays(const struct heft_dataset *ds, struct heft_error *err)
{
	struct heft_buffer list;
	enum heft_status st = HEFT_OK;
	uint32_t i = 1;

	if (ds->n_parts == 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "there are no arrays");
	while (i < ds->n_parts && ds->parts[i].n_samples == ds->parts[0].n_samples)
		i++;
	if (i == ds->n_parts)
		return HEFT_OK;
	heft_buffer_init(&list);
	heft_dataset_list(ds, &list);
	st = heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
	               "the arrays do not share their first dimension, the samples: %.*s%s",
	               list.size < QUOTED_SIZE ? (int)list.size : QUOTED_SIZE,
	               list.size > 0 ? (const char *)list.bytes : "",
	               list.size > QUOTED_SIZE ? "..." : "");
	heft_buffer_done(&list);
	return st;
}

/* --- open and close --- */

static enum heft_status begin(struct heft_dataset *ds, const struct heft_dataset_options *o,
                              struct heft_error *err)
{
	pthread_mutex_init(&ds->mutex, NULL);
	ds->max_bytes = o->limits.max_logical_bytes == 0 || o->limits.max_logical_bytes > INT64_MAX
	                        ? INT64_MAX
	                        : o->limits.max_logical_bytes;
	if (o->scratch_folder) {
		ds->scratch_folder = heft_strdup(o->scratch_folder);
		if (!ds->scratch_folder)
			return no_memory(err);
	}
	return HEFT_OK;
}

enum heft_status heft_dataset_open(const char *path, const struct heft_dataset_options *options,
                                   struct heft_dataset **out, struct heft_error *err)
{
	const struct heft_dataset_options o =
		options ? *options : (struct heft_dataset_options){ .kind = NULL };
	struct heft_dataset *ds = heft_zalloc(sizeof *ds);
	struct heft_dataset_place place;
	enum heft_status st;

	if (!ds)
		return no_memory(err);
	st = begin(ds, &o, err);
	if (st == HEFT_OK)
		st = look_at(path, &place, err);
	if (st == HEFT_OK)
		st = pick_kind(&place, o.kind, &ds->kind, err);
	if (st == HEFT_OK)
		st = ds->kind->open(&place, &o, ds, &ds->st, err);
	if (st == HEFT_OK)
		st = check_arrays(ds, err);
	if (st != HEFT_OK) {
		heft_dataset_close(ds);
		return st;
	}
	*out = ds;
	return HEFT_OK;
}

void heft_dataset_close(struct heft_dataset *ds)
{
	if (!ds)
		return;
	if (ds->kind && ds->kind->close)
		ds->kind->close(ds->st);
	for (uint32_t i = 0; i < ds->n_parts; i++) {
		heft_large_bytes_done(&ds->parts[i].bytes);
		heft_free(ds->parts[i].name);
	}
	for (uint32_t i = 0; i < ds->n_class_names; i++)
		heft_free(ds->class_names[i]);
	heft_free(ds->class_names);
	heft_free(ds->parts);
	heft_free(ds->scratch_folder);
	pthread_mutex_destroy(&ds->mutex);
	heft_free(ds);
}

/* --- what is in it --- */

const char *heft_dataset_kind_name(const struct heft_dataset *ds)
{
	return ds->kind->name;
}

uint64_t heft_dataset_n_samples(const struct heft_dataset *ds)
{
	return ds->parts[0].n_samples;
}

uint32_t heft_dataset_n_arrays(const struct heft_dataset *ds)
{
	return ds->n_parts;
}

enum heft_status heft_dataset_array_at(const struct heft_dataset *ds, uint32_t i,
                                       struct heft_dataset_array *array, struct heft_error *err)
{
	if (i >= ds->n_parts)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "array %u of %u", i,
		                 ds->n_parts);
	*array = ds->parts[i].array;
	return HEFT_OK;
}

bool heft_dataset_find(const struct heft_dataset *ds, const char *name, uint32_t *i)
{
	for (uint32_t k = 0; k < ds->n_parts; k++) {
		if (strcmp(ds->parts[k].name, name) != 0)
			continue;
		if (i)
			*i = k;
		return true;
	}
	return false;
}

const char *const *heft_dataset_class_names(const struct heft_dataset *ds, uint32_t *n)
{
	*n = ds->n_class_names;
	return ds->n_class_names > 0 ? (const char *const *)ds->class_names : NULL;
}
