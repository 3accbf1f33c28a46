/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.c - strings and sequences: how they are made, copied, and carried from one memory to
 * another. */
#include "graph/kinds.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"

const char *heft_kind_name(enum heft_dtype dtype)
{
	if (dtype == HEFT_KIND_TEXTS)
		return "strings";
	if (dtype == HEFT_KIND_SEQUENCE)
		return "a sequence";
	return dtype == HEFT_KIND_NOTHING ? "an empty optional value" : heft_dtype_name(dtype);
}

/* --- making --- */

enum heft_status heft_sequence_new(uint64_t n, enum heft_dtype dtype, struct heft_memory *memory,
                                   struct heft_array *a, struct heft_sequence **sequence,
                                   struct heft_error *err)
{
	struct heft_sequence *s;
	uint64_t size;
	void *bytes;

	if (!heft_mul_u64(n, sizeof *s->items, &size) || !heft_add_u64(size, sizeof *s, &size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "a sequence is too long");
	HEFT_TRY(heft_array_set(a, HEFT_KIND_SEQUENCE, 0, NULL, err));
	HEFT_TRY(heft_memory_take(memory, size, &bytes, err));
	memset(bytes, 0, (size_t)size);
	s = bytes;
	s->n = n;
	s->dtype = dtype;
	a->bytes = bytes;
	*sequence = s;
	return HEFT_OK;
}

enum heft_status heft_texts_new(uint32_t rank, const uint64_t *dims, uint64_t n_bytes,
                                struct heft_memory *memory, struct heft_array *a, char **bytes,
                                struct heft_error *err)
{
	uint64_t size;

	*bytes = NULL;
	*a = (struct heft_array){ 0 };
	HEFT_TRY(heft_array_set(a, HEFT_KIND_TEXTS, rank, dims, err));
	if (!heft_add_u64(a->n_bytes, n_bytes, &size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "strings are too long");
	if (size == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(memory, size, &a->bytes, err));
	memset(a->bytes, 0, (size_t)a->n_bytes);
	*bytes = (char *)a->bytes + a->n_bytes;
	return HEFT_OK;
}

/* --- copies --- */

static enum heft_status copy_texts(struct heft_array *a, struct heft_memory *memory,
                                   struct heft_error *err)
{
	const struct heft_text *from = a->bytes;
	const struct heft_array old = *a;
	struct heft_text *to;
	uint64_t n_bytes = 0;
	char *bytes;

	for (uint64_t i = 0; i < a->n_elements; i++) {
		if (!heft_add_u64(n_bytes, from[i].n_bytes, &n_bytes))
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "strings are too long");
	}
	HEFT_TRY(heft_texts_new(old.rank, old.dims, n_bytes, memory, a, &bytes, err));
	to = a->bytes;
	for (uint64_t i = 0; i < a->n_elements; i++) {
		to[i].n_bytes = from[i].n_bytes;
		to[i].bytes = bytes;
		if (from[i].n_bytes > 0)
			memcpy(bytes, from[i].bytes, (size_t)from[i].n_bytes);
		bytes += from[i].n_bytes;
	}
	return HEFT_OK;
}

static enum heft_status copy_array(struct heft_array *a, struct heft_memory *memory,
                                   struct heft_error *err)
{
	const void *from = a->bytes;

	if (a->dtype == HEFT_KIND_TEXTS)
		return copy_texts(a, memory, err);
	a->bytes = NULL;
	if (a->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(memory, a->n_bytes, &a->bytes, err));
	memcpy(a->bytes, from, (size_t)a->n_bytes);
	return HEFT_OK;
}

/* A new list of the same items. */
static enum heft_status copy_list(struct heft_array *a, struct heft_memory *memory,
                                  struct heft_sequence **copy, struct heft_error *err)
{
	const struct heft_sequence *from = heft_sequence_of(a);

	HEFT_TRY(heft_sequence_new(from->n, from->dtype, memory, a, copy, err));
	for (uint64_t i = 0; i < from->n; i++)
		(*copy)->items[i] = from->items[i];
	return HEFT_OK;
}

enum heft_status heft_kind_copy(struct heft_array *a, struct heft_memory *memory,
                                struct heft_error *err)
{
	struct heft_sequence *s;

	if (a->dtype != HEFT_KIND_SEQUENCE)
		return copy_array(a, memory, err);
	HEFT_TRY(copy_list(a, memory, &s, err));
	for (uint64_t i = 0; i < s->n; i++)
		HEFT_TRY(copy_array(&s->items[i], memory, err));
	return HEFT_OK;
}

enum heft_status heft_kind_carry(struct heft_array *a, struct heft_memory *memory,
                                 const struct heft_memory *from, uint32_t n_from,
                                 struct heft_error *err)
{
	struct heft_sequence *s;

	if (a->dtype != HEFT_KIND_SEQUENCE)
		return copy_array(a, memory, err);
	HEFT_TRY(copy_list(a, memory, &s, err));
	for (uint64_t i = 0; i < s->n; i++) {
		const struct heft_memory *owner;

		if (!s->items[i].bytes)
			continue;
		owner = heft_memory_of(s->items[i].bytes);
		for (uint32_t k = 0; k < n_from; k++) {
			if (owner == &from[k] && owner != memory)
				heft_memory_move(s->items[i].bytes, memory);
		}
	}
	return HEFT_OK;
}

/* --- for operators --- */

enum heft_status heft_call_sequence(const struct heft_call *c, uint32_t i,
                                    const struct heft_sequence **sequence, struct heft_error *err)
{
	if (c->in[i].dtype != HEFT_KIND_SEQUENCE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u is %s and not a sequence", i,
		                 heft_kind_name(c->in[i].dtype));
	*sequence = heft_sequence_of(&c->in[i]);
	return HEFT_OK;
}

enum heft_status heft_call_item(const struct heft_call *c, uint32_t i, struct heft_error *err)
{
	if (heft_call_has(c, i) && (heft_is_array(&c->in[i]) || c->in[i].dtype == HEFT_KIND_TEXTS))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input %u is %s and not an array", i,
	                 heft_call_has(c, i) ? heft_kind_name(c->in[i].dtype) : "left out");
}

enum heft_status heft_call_texts(const struct heft_call *c, uint32_t i,
                                 const struct heft_text **texts, struct heft_error *err)
{
	if (c->in[i].dtype != HEFT_KIND_TEXTS)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "input %u of %s is %s and not strings", i, c->op->name,
		                 heft_kind_name(c->in[i].dtype));
	*texts = c->in[i].bytes;
	return HEFT_OK;
}

enum heft_status heft_call_place(const struct heft_call *c, uint32_t i, uint64_t n, bool allow_end,
                                 uint64_t *place, struct heft_error *err)
{
	const int64_t size = (int64_t)n;
	int64_t given;
	uint32_t n_given;

	if (!heft_call_has(c, i)) {
		if (n == 0 && !allow_end)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the sequence is empty");
		*place = allow_end ? n : n - 1;
		return HEFT_OK;
	}
	HEFT_TRY(heft_call_known_ints(c, i, &given, 1, &n_given, err));
	if (n_given != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input %u is not one integer",
		                 i);
	if (given < -size || given > size || (given == size && !allow_end))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "position %lld is none of a sequence of %llu items",
		                 (long long)given, (unsigned long long)n);
	*place = (uint64_t)(given < 0 ? given + size : given);
	return HEFT_OK;
}
