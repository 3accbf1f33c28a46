/* SPDX-License-Identifier: Apache-2.0 */
/* shards_read.c - an open set of safetensors files: the index is held against the shards, each of
 * which its own reader has checked (spec/foreign/shards.md, sections 1, 2, 4). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/folder.h"
#include "container/layout.h"
#include "format/safetensors.h"
#include "format/shards.h"
#include "format/shared.h"

#define QUOTED 80 /* bytes of a name in a message */

struct shard {
	const char *name; /* in `files` */
	struct heft_source *src;
	void *st;          /* the safetensors reader's */
	uint32_t first;    /* the set's number of its first tensor */
	uint32_t n;        /* of its tensors */
	uint32_t n_mapped; /* of these, how many the index names */
};

struct set {
	struct heft_source *src; /* of the index */
	char *text;
	size_t text_size;
	/* The shards' names, as they come up in the index; data_off is where. */
	struct heft_listing *files;
	uint32_t *shard_of_file;
	struct shard *shards; /* in the order of their names' bytes (H1-2) */
	uint32_t n_shards;
	uint32_t n_tensors;
	char *metadata; /* NULL: none */
};

/* --- the index --- */

static enum heft_status read_text(struct set *s, struct heft_error *err)
{
	const uint64_t size = heft_source_size(s->src);

	if (size > HEFT_SHARDS_MAX_INDEX)
		return heft_fail(err, HEFT_E_LIMIT, 0, "the index is larger than 100000000 bytes");
	s->text = heft_alloc((size_t)size + 1);
	if (!s->text)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an index");
	s->text_size = (size_t)size;
	return heft_source_read(s->src, 0, s->text, s->text_size, err);
}

static enum heft_status note_file(void *ctx, const struct heft_shards_entry *e,
                                  struct heft_error *err)
{
	struct set *s = ctx;
	const struct heft_listed row = { .dtype = HEFT_DTYPE_U8, .data_off = e->file_off };
	uint32_t i;

	if (heft_listing_find(s->files, HEFT_SPACE_WEIGHTS, e->file, e->file_size, &i))
		return HEFT_OK;
	if (heft_listing_n(s->files) >= HEFT_SHARDS_MAX_FILES)
		return heft_fail(err, HEFT_E_LIMIT, e->file_off,
		                 "the index names more than %u files", HEFT_SHARDS_MAX_FILES);
	return heft_listing_add(s->files, e->file, e->file_size, NULL, &row, HEFT_E_CORRUPT,
	                        e->file_off, err);
}

static enum heft_status find_files(struct set *s, uint64_t max_name_size, struct heft_error *err)
{
	const struct heft_shards_visitor visitor = { .ctx = s,
		                                     .max_name_size = max_name_size,
		                                     .entry = note_file };
	uint32_t *order;
	enum heft_status st;

	HEFT_TRY(heft_listing_new(&s->files, err));
	HEFT_TRY(heft_shards_visit(s->text, s->text_size, &visitor, err));
	s->n_shards = heft_listing_n(s->files);
	s->shards = heft_zalloc_array(s->n_shards, sizeof *s->shards);
	s->shard_of_file = heft_zalloc_array(s->n_shards, sizeof *s->shard_of_file);
	order = heft_alloc_array(s->n_shards, sizeof *order);
	if (s->shards && s->shard_of_file && order)
		st = heft_listing_sort(s->files, order, err);
	else
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u shards",
		               s->n_shards);
	for (uint32_t k = 0; st == HEFT_OK && k < s->n_shards; k++) {
		s->shards[k].name = heft_listing_name(s->files, order[k]);
		s->shard_of_file[order[k]] = k;
	}
	if (!s->shards)
		s->n_shards = 0;
	heft_free(order);
	return st;
}

/* --- the shards --- */

/* The caller knows the name of the index alone. What is missing or no file makes a set that is not
 * whole. */
static enum heft_status shard_fault(const struct shard *shard, enum heft_status st,
                                    const struct heft_error *why, struct heft_error *err)
{
	if (st == HEFT_E_NOT_FOUND)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "shard '%.*s' does not lie beside the index", QUOTED, shard->name);
	return heft_fail(err, st == HEFT_E_USAGE ? HEFT_E_CORRUPT : st, why->offset,
	                 "shard '%.*s': %s", QUOTED, shard->name, why->msg);
}

static enum heft_status open_shard(struct shard *shard, const char *index_path,
                                   const struct heft_open_options *options, struct heft_error *err)
{
	const bool may_map = !options || !(options->flags & HEFT_OPEN_PREAD);
	char *path = heft_path_beside(index_path, shard->name);
	struct heft_error why;
	enum heft_status st;

	if (!path)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	st = heft_source_open(path, may_map, &shard->src, &why);
	if (st == HEFT_OK)
		st = heft_safetensors_open(shard->src, path, options, &shard->st, &why);
	heft_free(path);
	return st == HEFT_OK ? HEFT_OK : shard_fault(shard, st, &why, err);
}

static uint64_t n_bytes_of(const struct shard *shard)
{
	struct heft_tensor t;
	uint64_t n_bytes = 0;

	for (uint32_t i = 0; i < shard->n; i++)
		if (heft_safetensors_tensor_at(shard->st, i, &t, NULL) == HEFT_OK)
			n_bytes += t.n_bytes;
	return n_bytes;
}

/* Each shard is within the limits by itself; the whole set has to be, too. */
static enum heft_status open_all(struct set *s, const char *path,
                                 const struct heft_open_options *options, struct heft_error *err)
{
	const struct heft_limits limits = heft_format_limits(options);
	uint64_t bytes_left = limits.max_logical_bytes;

	for (uint32_t k = 0; k < s->n_shards; k++) {
		struct shard *shard = &s->shards[k];
		uint64_t n_bytes;

		HEFT_TRY(open_shard(shard, path, options, err));
		shard->first = s->n_tensors;
		shard->n = heft_safetensors_n_tensors(shard->st);
		n_bytes = n_bytes_of(shard);
		if (shard->n > limits.max_tensors - s->n_tensors)
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
			                 "the shards have more tensors than the limit");
		if (n_bytes > bytes_left)
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
			                 "the shards take the tensors over the size limit");
		s->n_tensors += shard->n;
		bytes_left -= n_bytes;
	}
	return HEFT_OK;
}

/* --- whether index and shards agree --- */

static struct shard *shard_of_entry(const struct set *s, const struct heft_shards_entry *e)
{
	uint32_t i = 0;

	heft_listing_find(s->files, HEFT_SPACE_WEIGHTS, e->file, e->file_size, &i);
	return &s->shards[s->shard_of_file[i]];
}

/* Which of a shard's tensors the index names for it. */
struct marks {
	struct set *set;
	const struct shard *shard;
	bool *is_mapped;
};

static enum heft_status mark_entry(void *ctx, const struct heft_shards_entry *e,
                                   struct heft_error *err)
{
	const struct marks *m = ctx;
	uint32_t i;

	if (shard_of_entry(m->set, e) == m->shard) {
		HEFT_TRY(heft_safetensors_find(m->shard->st, HEFT_SPACE_WEIGHTS, e->name, &i, err));
		m->is_mapped[i] = true;
	}
	return HEFT_OK;
}

static enum heft_status extra_fault(const struct set *s, const struct shard *shard, uint32_t i,
                                    struct heft_error *err)
{
	struct heft_tensor t;
	uint32_t other;

	HEFT_TRY(heft_safetensors_tensor_at(shard->st, i, &t, err));
	for (uint32_t k = 0; k < s->n_shards; k++) {
		const struct shard *o = &s->shards[k];

		if (o != shard && heft_safetensors_find(o->st, HEFT_SPACE_WEIGHTS, t.name, &other,
		                                        NULL) == HEFT_OK)
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "tensor '%.*s' is in two shards, '%.*s' and '%.*s'", 60,
			                 t.name, 60, shard->name, 60, o->name);
	}
	return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
	                 "tensor '%.*s' of shard '%.*s' is not in the index", QUOTED, t.name,
	                 QUOTED, shard->name);
}

/* H2-9: the shard has a tensor too many; which one is found by another walk through the index. */
static enum heft_status find_extra(struct set *s, const struct shard *shard, struct heft_error *err)
{
	struct marks m = { .set = s, .shard = shard };
	const struct heft_shards_visitor visitor = { .ctx = &m,
		                                     .max_name_size = HEFT_MAX_NAME,
		                                     .entry = mark_entry };
	uint32_t i = 0;
	enum heft_status st;

	m.is_mapped = heft_zalloc_array(shard->n, sizeof *m.is_mapped);
	if (!m.is_mapped)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors",
		                 shard->n);
	st = heft_shards_visit(s->text, s->text_size, &visitor, err);
	while (st == HEFT_OK && i < shard->n - 1 && m.is_mapped[i])
		i++;
	heft_free(m.is_mapped);
	return st == HEFT_OK ? extra_fault(s, shard, i, err) : st;
}

/* A walk in which the index is held against the open shards, and its own metadata kept. */
struct agreement {
	struct set *set;
	struct heft_shards_meta meta;
};

/* H2-8 */
static enum heft_status agreement_entry(void *ctx, const struct heft_shards_entry *e,
                                        struct heft_error *err)
{
	const struct agreement *a = ctx;
	struct shard *shard = shard_of_entry(a->set, e);
	uint32_t i;

	if (heft_safetensors_find(shard->st, HEFT_SPACE_WEIGHTS, e->name, &i, NULL) != HEFT_OK)
		return heft_fail(err, HEFT_E_CORRUPT, e->name_off,
		                 "tensor '%.*s' is not in shard '%.*s'", QUOTED, e->name, QUOTED,
		                 shard->name);
	shard->n_mapped++; /* no key comes twice, so neither does a tensor */
	return HEFT_OK;
}

static enum heft_status agreement_text(void *ctx, const char *key, size_t key_size,
                                       const char *value, size_t value_size, struct heft_error *err)
{
	struct agreement *a = ctx;

	(void)err; /* the buffer keeps a failure */
	heft_shards_meta_add(&a->meta, key, key_size, value, value_size);
	return HEFT_OK;
}

/* Shards usually say all the same: what the one before said is not added again. */
static enum heft_status add_shards_metadata(const struct set *s, struct heft_shards_meta *m,
                                            struct heft_error *err)
{
	const char *before = "{}";
	const char *json;

	for (uint32_t k = 0; k < s->n_shards; k++) {
		HEFT_TRY(heft_safetensors_metadata(s->shards[k].st, &json, err));
		if (strcmp(json, before) != 0)
			HEFT_TRY(heft_shards_meta_add_object(m, json, err));
		before = json;
	}
	return HEFT_OK;
}

static enum heft_status check_agreement(struct set *s, struct agreement *a, uint64_t max_size,
                                        struct heft_error *err)
{
	const struct heft_shards_visitor visitor = { .ctx = a,
		                                     .max_name_size = HEFT_MAX_NAME,
		                                     .entry = agreement_entry,
		                                     .text = agreement_text };

	HEFT_TRY(add_shards_metadata(s, &a->meta, err));
	HEFT_TRY(heft_shards_visit(s->text, s->text_size, &visitor, err));
	HEFT_TRY(heft_shards_meta_take(&a->meta, &s->metadata, err));
	for (uint32_t k = 0; k < s->n_shards; k++)
		if (s->shards[k].n_mapped != s->shards[k].n)
			return find_extra(s, &s->shards[k], err);
	if (s->metadata && strlen(s->metadata) > max_size)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "metadata is over the limit");
	return HEFT_OK;
}

static enum heft_status open_set(struct set *s, const char *path,
                                 const struct heft_open_options *options, struct heft_error *err)
{
	const struct heft_limits limits = heft_format_limits(options);
	struct agreement a = { .set = s };
	enum heft_status st;

	HEFT_TRY(read_text(s, err));
	HEFT_TRY(find_files(s, limits.max_name_size, err));
	HEFT_TRY(open_all(s, path, options, err));
	heft_shards_meta_init(&a.meta);
	st = check_agreement(s, &a, limits.max_metadata_size, err);
	heft_shards_meta_done(&a.meta);
	return st;
}

enum heft_status heft_shards_open(struct heft_source *src, const char *path,
                                  const struct heft_open_options *options, void **st,
                                  struct heft_error *err)
{
	struct set *s = heft_zalloc(sizeof *s);
	enum heft_status status;

	if (!s)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	s->src = src;
	status = open_set(s, path, options, err);
	if (status != HEFT_OK) {
		heft_shards_close(s);
		return status;
	}
	*st = s;
	return HEFT_OK;
}

void heft_shards_close(void *st)
{
	struct set *s = st;

	if (!s)
		return;
	for (uint32_t k = 0; k < s->n_shards; k++) {
		heft_safetensors_close(s->shards[k].st);
		heft_source_close(s->shards[k].src);
	}
	heft_free(s->shards);
	heft_free(s->shard_of_file);
	heft_listing_free(s->files);
	heft_free(s->text);
	heft_free(s->metadata);
	heft_free(s);
}

/* --- what is in the set --- */

uint32_t heft_shards_n_tensors(const void *st)
{
	const struct set *s = st;

	return s->n_tensors;
}

/* Of tensor i; *local is its number there. Shards without tensors are passed over. */
static const struct shard *shard_at(const struct set *s, uint32_t i, uint32_t *local)
{
	uint32_t low = 0;
	uint32_t high = s->n_shards;

	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;

		if (s->shards[middle].first <= i)
			low = middle;
		else
			high = middle;
	}
	*local = i - s->shards[low].first;
	return &s->shards[low];
}

enum heft_status heft_shards_tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                       struct heft_error *err)
{
	uint32_t local;
	const struct shard *shard = shard_at(st, i, &local);

	HEFT_TRY(heft_safetensors_tensor_at(shard->st, local, t, err));
	t->index += shard->first;
	t->tie += shard->first;
	return HEFT_OK;
}

enum heft_status heft_shards_find(void *st, uint8_t space, const char *name, uint32_t *i,
                                  struct heft_error *err)
{
	const struct set *s = st;

	for (uint32_t k = 0; k < s->n_shards; k++) {
		const struct shard *shard = &s->shards[k];

		if (heft_safetensors_find(shard->st, space, name, i, NULL) == HEFT_OK) {
			*i += shard->first;
			return HEFT_OK;
		}
	}
	return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET, "no tensor is called '%s'", name);
}

enum heft_status heft_shards_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                  struct heft_error *err)
{
	uint32_t local;
	const struct shard *shard = shard_at(st, i, &local);

	return heft_safetensors_read(shard->st, local, off, dst, n, err);
}

enum heft_status heft_shards_locate(void *st, uint32_t i, struct heft_place *place,
                                    struct heft_error *err)
{
	const struct set *s = st;
	uint32_t local;
	const struct shard *shard = shard_at(s, i, &local);

	HEFT_TRY(heft_safetensors_locate(shard->st, local, place, err));
	place->file = (uint32_t)(shard - s->shards) + 1; /* 0 is the index */
	return HEFT_OK;
}

enum heft_status heft_shards_metadata(void *st, const char **json, struct heft_error *err)
{
	const struct set *s = st;

	(void)err;
	*json = s->metadata ? s->metadata : "{}";
	return HEFT_OK;
}

const char *heft_shards_file_at(const void *st, uint32_t i, uint64_t *size)
{
	const struct set *s = st;

	if (i > s->n_shards)
		return NULL;
	*size = heft_source_size(i == 0 ? s->src : s->shards[i - 1].src);
	return i == 0 ? "" : s->shards[i - 1].name;
}

/* --- the recipe (section 4) --- */

/* What a shard's own reader says of it, with the set's numbers. */
static enum heft_status add_shard_recipe(const struct shard *shard, struct heft_origin *o,
                                         struct heft_error *err)
{
	struct heft_origin_file *file;

	HEFT_TRY(heft_safetensors_origin(shard->st, shard->name, o, err));
	file = &o->files[o->n_files - 1];
	for (uint64_t i = 0; i < file->n_pieces; i++)
		if (!file->pieces[i].literal)
			file->pieces[i].tensor += shard->first;
	return HEFT_OK;
}

enum heft_status heft_shards_origin(void *st, const char *path, struct heft_origin *o,
                                    struct heft_error *err)
{
	const struct set *s = st;
	struct heft_origin_file *file;

	HEFT_TRY(heft_origin_add_file(o, heft_origin_name(path, HEFT_SHARDS_USUAL_INDEX),
	                              s->text_size, 1, &file, err));
	file->pieces[0] = (struct heft_origin_piece){ .literal = (const uint8_t *)s->text,
		                                      .size = s->text_size };
	for (uint32_t k = 0; k < s->n_shards; k++)
		HEFT_TRY(add_shard_recipe(&s->shards[k], o, err));
	memcpy(o->format, HEFT_SHARDS_FORMAT, sizeof HEFT_SHARDS_FORMAT);
	return HEFT_OK;
}
