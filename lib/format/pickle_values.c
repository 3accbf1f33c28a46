/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_values.c - makes the values of a pickle. */
#include "format/pickle_values.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

#define REFS_MAX (UINT64_C(1) << 29)

enum heft_status heft_pickle_grow(void **items, uint32_t *capacity, uint64_t n, size_t item_size,
                                  struct heft_error *err)
{
	uint64_t more = *capacity < 32 ? 32 : (uint64_t)*capacity + *capacity / 2;
	void *grown;

	if (n <= *capacity)
		return HEFT_OK;
	if (n > REFS_MAX)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "a pickle has too many values");
	if (more < n)
		more = n;
	grown = heft_realloc_array(*items, (size_t)more, item_size);
	if (!grown)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for the values of a pickle");
	*items = grown;
	*capacity = (uint32_t)more;
	return HEFT_OK;
}

enum heft_status heft_pickle_add(struct heft_pickle *p, uint32_t at, enum heft_pickle_kind kind,
                                 heft_pickle_ref *v, struct heft_error *err)
{
	void *values = p->values;
	enum heft_status st;

	if (p->n_values >= p->max_values)
		return heft_fail(err, HEFT_E_LIMIT, p->file_off + at,
		                 "a pickle has more than %llu values",
		                 (unsigned long long)p->max_values);
	st = heft_pickle_grow(&values, &p->values_capacity, (uint64_t)p->n_values + 1,
	                      sizeof *p->values, err);
	p->values = values;
	if (st != HEFT_OK)
		return st;
	p->values[p->n_values] = (struct heft_pickle_value){
		.at = at,
		.kind = (uint8_t)kind,
		.u.body = HEFT_PICKLE_NONE,
	};
	*v = p->n_values++;
	return HEFT_OK;
}

/* --- runs of references --- */

static uint32_t room_of(uint32_t n)
{
	uint32_t room = 1;

	if (n == 0)
		return 0;
	while (room < n)
		room *= 2;
	return room;
}

static enum heft_status reserve_refs(struct heft_pickle *p, uint64_t n_more, struct heft_error *err)
{
	void *refs = p->refs;
	const enum heft_status st = heft_pickle_grow(&refs, &p->refs_capacity, p->n_refs + n_more,
	                                             sizeof *p->refs, err);

	p->refs = refs;
	return st;
}

/* What a run leaves behind when it moves is at most as much as it takes then. */
static enum heft_status make_room(struct heft_pickle *p, struct heft_pickle_run *run, uint32_t old,
                                  uint32_t room, struct heft_error *err)
{
	if (old > 0 && run->first + old == p->n_refs) {
		HEFT_TRY(reserve_refs(p, room - old, err));
		p->n_refs += room - old;
		return HEFT_OK;
	}
	HEFT_TRY(reserve_refs(p, room, err));
	if (old > 0)
		memcpy(p->refs + p->n_refs, p->refs + run->first, old * sizeof *p->refs);
	run->first = p->n_refs;
	p->n_refs += room;
	return HEFT_OK;
}

enum heft_status heft_pickle_extend(struct heft_pickle *p, struct heft_pickle_run *run,
                                    uint32_t width, const heft_pickle_ref *items, uint32_t n,
                                    struct heft_error *err)
{
	const uint32_t old = room_of(run->n) * width;

	if (n > REFS_MAX / 4 || run->n > REFS_MAX / 4)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "a pickle has too many values");
	if (room_of(run->n + n) * width > old)
		HEFT_TRY(make_room(p, run, old, room_of(run->n + n) * width, err));
	if (n > 0)
		memcpy(p->refs + run->first + (size_t)run->n * width, items,
		       (size_t)n * width * sizeof *items);
	run->n += n;
	return HEFT_OK;
}

/* --- values of each kind --- */

enum heft_status heft_pickle_add_tuple(struct heft_pickle *p, uint32_t at,
                                       const heft_pickle_ref *items, uint32_t n, heft_pickle_ref *v,
                                       struct heft_error *err)
{
	HEFT_TRY(heft_pickle_add(p, at, HEFT_PICKLE_TUPLE, v, err));
	HEFT_TRY(reserve_refs(p, n, err));
	p->values[*v].u.run = (struct heft_pickle_run){ p->n_refs, n };
	if (n > 0)
		memcpy(p->refs + p->n_refs, items, n * sizeof *items);
	p->n_refs += n;
	return HEFT_OK;
}

enum heft_status heft_pickle_add_bytes(struct heft_pickle *p, uint32_t at,
                                       enum heft_pickle_kind kind, bool in_arena, size_t first,
                                       size_t n, heft_pickle_ref *v, struct heft_error *err)
{
	HEFT_TRY(heft_pickle_add(p, at, kind, v, err));
	p->values[*v].in_arena = in_arena;
	p->values[*v].u.run = (struct heft_pickle_run){ (uint32_t)first, (uint32_t)n };
	return HEFT_OK;
}

/* Both names stand in the arena, each with a NUL behind it. */
enum heft_status heft_pickle_add_global(struct heft_pickle *p, uint32_t at, const char *module,
                                        const char *name, uint8_t action, heft_pickle_ref *v,
                                        struct heft_error *err)
{
	const size_t first = p->text.size;

	heft_buffer_add(&p->text, module, strlen(module) + 1);
	heft_buffer_add(&p->text, name, strlen(name) + 1);
	if (!p->text.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a name");
	*v = heft_pickle_find_interned(p, HEFT_PICKLE_GLOBAL, p->text.bytes + first,
	                               p->text.size - first);
	if (*v != HEFT_PICKLE_NONE) {
		p->text.size = first;
		return HEFT_OK;
	}
	HEFT_TRY(heft_pickle_add_bytes(p, at, HEFT_PICKLE_GLOBAL, true, first, p->text.size - first,
	                               v, err));
	p->values[*v].action = action;
	return heft_pickle_intern(p, *v, err);
}

enum heft_status heft_pickle_body(struct heft_pickle *p, heft_pickle_ref v,
                                  struct heft_pickle_body **body, struct heft_error *err)
{
	struct heft_pickle_value *value = &p->values[v];
	void *bodies = p->bodies;
	enum heft_status st;

	if (value->u.body == HEFT_PICKLE_NONE) {
		st = heft_pickle_grow(&bodies, &p->bodies_capacity, (uint64_t)p->n_bodies + 1,
		                      sizeof *p->bodies, err);
		p->bodies = bodies;
		if (st != HEFT_OK)
			return st;
		p->bodies[p->n_bodies] = (struct heft_pickle_body){
			.callee = HEFT_PICKLE_NONE,
			.argument = HEFT_PICKLE_NONE,
			.state = HEFT_PICKLE_NONE,
		};
		value->u.body = p->n_bodies++;
	}
	*body = &p->bodies[value->u.body];
	return HEFT_OK;
}

enum heft_status heft_pickle_append(struct heft_pickle *p, heft_pickle_ref v,
                                    const heft_pickle_ref *items, uint32_t n,
                                    struct heft_error *err)
{
	struct heft_pickle_body *body;

	if (n == 0)
		return HEFT_OK;
	HEFT_TRY(heft_pickle_body(p, v, &body, err));
	return heft_pickle_extend(p, &body->items, 1, items, n, err);
}
