/* SPDX-License-Identifier: Apache-2.0 */
/* format/shards.h - what the files of sharded safetensors share: its index, its metadata, its
 * reader, and the form in which a set is written (spec/foreign/shards.md). */
#ifndef FORMAT_SHARDS_H
#define FORMAT_SHARDS_H

#include "base/buffer.h"
#include "format/format.h"

#define HEFT_SHARDS_FORMAT "safetensors-shards"
#define HEFT_SHARDS_MAX_INDEX UINT64_C(100000000)
#define HEFT_SHARDS_MAX_FILES 65536u
#define HEFT_SHARDS_USUAL_INDEX "model.safetensors.index.json"

/* --- shards_index.c: the text of an index --- */

/* A member of weight_map; texts live until the visit is over. */
struct heft_shards_entry {
	const char *name; /* ends with NUL */
	size_t name_size;
	uint64_t name_off;
	const char *file;
	size_t file_size;
	uint64_t file_off;
};

struct heft_shards_visitor {
	void *ctx;
	uint64_t max_name_size;
	enum heft_status (*entry)(void *ctx, const struct heft_shards_entry *e,
	                          struct heft_error *err);
	/* a member of the index's metadata whose value is a string; NULL: not wanted */
	enum heft_status (*text)(void *ctx, const char *key, size_t key_size, const char *value,
	                         size_t value_size, struct heft_error *err);
};

/* Checks the whole text on its way. */
enum heft_status heft_shards_visit(const char *text, size_t size,
                                   const struct heft_shards_visitor *v, struct heft_error *err);

/* --- shards_meta.c: the metadata of several files as one --- */

struct heft_shards_meta {
	struct heft_buffer text;  /* keys and values, unescaped, behind one another */
	struct heft_buffer sizes; /* size_t: of a key, of its value, … */
	size_t n;
};

void heft_shards_meta_init(struct heft_shards_meta *m);
void heft_shards_meta_done(struct heft_shards_meta *m);
void heft_shards_meta_add(struct heft_shards_meta *m, const char *key, size_t key_size,
                          const char *value, size_t value_size);
/* The members of an object whose values are strings. */
enum heft_status heft_shards_meta_add_object(struct heft_shards_meta *m, const char *json,
                                             struct heft_error *err);
/* The text of one object (heft_free), every key with the value that was added first, in the order
 * in which they were added; NULL without a member. */
enum heft_status heft_shards_meta_take(struct heft_shards_meta *m, char **json,
                                       struct heft_error *err);

/* --- shards_read.c --- */

enum heft_status heft_shards_open(struct heft_source *src, const char *path,
                                  const struct heft_open_options *options, void **st,
                                  struct heft_error *err);
void heft_shards_close(void *st);
uint32_t heft_shards_n_tensors(const void *st);
enum heft_status heft_shards_tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                       struct heft_error *err);
enum heft_status heft_shards_find(void *st, uint8_t space, const char *name, uint32_t *i,
                                  struct heft_error *err);
enum heft_status heft_shards_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                  struct heft_error *err);
enum heft_status heft_shards_locate(void *st, uint32_t i, struct heft_place *place,
                                    struct heft_error *err);
enum heft_status heft_shards_metadata(void *st, const char **json, struct heft_error *err);
enum heft_status heft_shards_origin(void *st, const char *path, struct heft_origin *o,
                                    struct heft_error *err);
const char *heft_shards_file_at(const void *st, uint32_t i, uint64_t *size);

/* --- shards_write.c: names and index of a new set --- */

extern const struct heft_set heft_shards_set;

#endif
