/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_place.c - the data of a generation that a text states: who shares which run, how
 * chunks are coded, and where they lie in the file. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "container/pack_model.h"
#include "tensor/dtype.h"

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to assemble the file");
}

/* --- whose run --- */

/* Finds the tensor that a reference of tensor i means. */
static enum heft_status resolve(struct heft_packer *p, size_t i, struct heft_pack_ref *ref,
                                struct heft_error *err)
{
	size_t j = 0;

	if (!ref->is_stated)
		return HEFT_OK;
	if (!ref->name) {
		j = ref->number < p->n_tensors ? (size_t)ref->number : p->n_tensors;
	} else {
		while (j < p->n_tensors &&
		       (p->tensors[j].space != p->tensors[i].space ||
		        p->tensors[j].name_size != ref->name_size ||
		        memcmp(p->tensors[j].name, ref->name, ref->name_size) != 0))
			j++;
	}
	if (j == p->n_tensors)
		return heft_fail(err, HEFT_E_CORRUPT, p->tensors[i].line,
		                 "tie or share names no tensor");
	ref->found = j;
	return HEFT_OK;
}

/* A tensor without data takes the run of the one that it shares with or is tied to. */
static enum heft_status find_run(struct heft_packer *p, size_t i, struct heft_error *err)
{
	size_t at = i;

	for (size_t steps = 0; steps <= p->n_tensors; steps++) {
		const struct heft_pack_tensor *t = &p->tensors[at];
		const struct heft_pack_ref *ref = t->share.is_stated ? &t->share : &t->tie;

		if (!ref->is_stated || p->runs[t->own_run].logical.size > 0) {
			p->tensors[i].run = t->own_run;
			return HEFT_OK;
		}
		at = ref->found;
	}
	return heft_fail(err, HEFT_E_CORRUPT, p->tensors[i].line,
	                 "tie and share go round in a circle");
}

/* How many bytes the tensor has: what its data says, which must be what dtype and shape say where
 * they say something. */
static enum heft_status find_size(struct heft_packer *p, struct heft_pack_tensor *t,
                                  struct heft_error *err)
{
	const struct heft_pack_run *run = &p->runs[t->run];
	uint64_t n_bytes;

	t->n_bytes = run->logical.size;
	if (t->rank <= HEFT_MAX_RANK &&
	    heft_tensor_size((enum heft_dtype)t->dtype, t->rank, t->dims, NULL, &n_bytes, NULL) ==
	            HEFT_OK &&
	    n_bytes != t->n_bytes)
		return heft_fail(err, HEFT_E_CORRUPT, t->line,
		                 "the tensor has %llu bytes, and its data %llu",
		                 (unsigned long long)n_bytes, (unsigned long long)t->n_bytes);
	return HEFT_OK;
}

/* A tie group is all that are tied to one another, directly or not; its row is the first one. Rows
 * only get smaller, and reach the least in as many rounds as the longest chain. */
static void find_ties(struct heft_packer *p)
{
	bool has_changed = true;

	for (size_t i = 0; i < p->n_tensors; i++)
		p->tensors[i].tie_row = p->tensors[i].row;
	while (has_changed) {
		has_changed = false;
		for (size_t i = 0; i < p->n_tensors; i++) {
			struct heft_pack_tensor *t = &p->tensors[i];
			struct heft_pack_tensor *other =
				&p->tensors[t->tie.is_stated ? t->tie.found : i];
			const uint32_t least = t->tie_row < other->tie_row ? t->tie_row
			                                                   : other->tie_row;

			has_changed = has_changed || t->tie_row != other->tie_row;
			t->tie_row = least;
			other->tie_row = least;
		}
	}
}

/* --- chunks --- */

/* Codes a chunk of zstd whose stored bytes the text leaves out. */
static enum heft_status encode(struct heft_packer *p, struct heft_pack_chunk *c, const uint8_t *src,
                               size_t n, struct heft_error *err)
{
	size_t stored;

	if (!p->coder)
		HEFT_TRY(heft_coder_new(&p->coder, err));
	if (!heft_buffer_reserve(&c->stored, n))
		return no_memory(err);
	if (!heft_zstd_encode(p->coder, 3, src, n, c->stored.bytes, n, &stored)) {
		HEFT_TRY(heft_coder_check(p->coder, err));
		return heft_fail(err, HEFT_E_CORRUPT, c->line, "the chunk does not shrink by zstd");
	}
	c->stored.size = stored;
	return HEFT_OK;
}

/* What is stored for a chunk of n logical bytes. */
static enum heft_status code_chunk(struct heft_packer *p, struct heft_pack_chunk *c,
                                   const uint8_t *src, size_t n, struct heft_error *err)
{
	if (c->has_stored || c->codec == HEFT_CODEC_ZERO)
		return HEFT_OK;
	if (c->codec == HEFT_CODEC_ZSTD)
		return encode(p, c, src, n, err);
	if (c->codec != HEFT_CODEC_RAW)
		return heft_fail(err, HEFT_E_CORRUPT, c->line,
		                 "a chunk of this codec states its stored bytes");
	heft_buffer_add(&c->stored, src, n);
	return c->stored.ok ? HEFT_OK : no_memory(err);
}

static enum heft_status code_run(struct heft_packer *p, struct heft_pack_run *run,
                                 struct heft_error *err)
{
	const size_t chunk_size = heft_chunk_size(run->unit);

	if (run->n_chunks > run->n_leaves)
		return heft_fail(err, HEFT_E_CORRUPT, run->chunks[run->n_leaves].line,
		                 "the tensor has only %llu chunks",
		                 (unsigned long long)run->n_leaves);
	while (run->n_chunks < run->n_leaves) {
		if (!heft_pack_grow(&run->chunks, run->n_chunks, sizeof *run->chunks))
			return no_memory(err);
		heft_buffer_init(&run->chunks[run->n_chunks].stored);
		run->n_chunks++;
	}
	for (size_t i = 0; i < run->n_chunks; i++) {
		const size_t at = i * chunk_size;
		const size_t left = run->logical.size - at;

		HEFT_TRY(code_chunk(p, &run->chunks[i], run->logical.bytes + at,
		                    left < chunk_size ? left : chunk_size, err));
	}
	return HEFT_OK;
}

/* --- places --- */

static enum heft_status add_leaves(struct heft_packer *p, struct heft_pack_run *run,
                                   struct heft_error *err)
{
	const size_t chunk_size = heft_chunk_size(run->unit);

	for (size_t at = 0; at < run->logical.size; at += chunk_size) {
		const size_t left = run->logical.size - at;
		uint8_t leaf[HEFT_SHA256_SIZE];

		heft_digest_bytes(p->hash, HEFT_DOMAIN_LEAF, run->logical.bytes + at,
		                  left < chunk_size ? left : chunk_size, leaf);
		heft_buffer_add(&run->leaves, leaf, sizeof leaf);
		run->n_leaves++;
	}
	return run->leaves.ok ? HEFT_OK : no_memory(err);
}

static enum heft_status align_file(struct heft_packer *p, struct heft_error *err)
{
	const uint64_t n = heft_align_up(p->file.size, UINT64_C(1) << p->log2_alignment) -
	                   p->file.size;

	HEFT_TRY(heft_pack_spend(p, n, err));
	heft_buffer_add_zeros(&p->file, (size_t)n);
	return p->file.ok ? HEFT_OK : no_memory(err);
}

static enum heft_status place_run(struct heft_packer *p, struct heft_pack_run *run,
                                  struct heft_error *err)
{
	struct heft_buffer *file = &p->file;

	run->is_placed = true;
	HEFT_TRY(add_leaves(p, run, err));
	if (!run->is_coded) {
		HEFT_TRY(align_file(p, err));
		run->place = file->size;
		heft_buffer_add(file, run->logical.bytes, run->logical.size);
		return file->ok ? HEFT_OK : no_memory(err);
	}
	HEFT_TRY(code_run(p, run, err));
	for (size_t i = 0; i < run->n_chunks; i++) {
		struct heft_pack_chunk *c = &run->chunks[i];

		if (c->stored.size == 0)
			continue; /* offset and CRC stay 0 */
		c->off = file->size;
		c->crc = heft_crc32c(c->stored.bytes, c->stored.size);
		heft_buffer_add(file, c->stored.bytes, c->stored.size);
	}
	return file->ok ? HEFT_OK : no_memory(err);
}

enum heft_status heft_pack_place_runs(struct heft_packer *p, struct heft_error *err)
{
	heft_buffer_add(&p->file, p->skip.bytes, p->skip.size);
	p->skip.size = 0;
	for (size_t i = 0; i < p->n_tensors; i++) {
		HEFT_TRY(resolve(p, i, &p->tensors[i].tie, err));
		HEFT_TRY(resolve(p, i, &p->tensors[i].share, err));
	}
	for (size_t i = 0; i < p->n_tensors; i++) {
		struct heft_pack_tensor *t = &p->tensors[i];
		struct heft_pack_run *run;

		HEFT_TRY(find_run(p, i, err));
		HEFT_TRY(find_size(p, t, err));
		run = &p->runs[t->run];
		if (run->logical.size > 0 && !run->is_placed)
			HEFT_TRY(place_run(p, run, err));
	}
	find_ties(p);
	return HEFT_OK;
}
