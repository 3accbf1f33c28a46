/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_containers.c - the opcodes of a pickle that make tuples, lists, sets and dicts, and fill
 * them. */
#include "base/error.h"
#include "format/pickle_machine.h"

enum heft_status heft_pickle_op_empty_list(struct heft_pickle_machine *m)
{
	heft_pickle_ref v;

	return heft_pickle_push_new(m, HEFT_PICKLE_LIST, &v);
}

enum heft_status heft_pickle_op_empty_dict(struct heft_pickle_machine *m)
{
	heft_pickle_ref v;

	return heft_pickle_push_new(m, HEFT_PICKLE_DICT, &v);
}

enum heft_status heft_pickle_op_empty_set(struct heft_pickle_machine *m)
{
	heft_pickle_ref v;

	return heft_pickle_push_new(m, HEFT_PICKLE_SET, &v);
}

static enum heft_status push_tuple(struct heft_pickle_machine *m, const heft_pickle_ref *items,
                                   uint32_t n)
{
	heft_pickle_ref v;

	HEFT_TRY(heft_pickle_add_tuple(m->p, m->at, items, n, &v, m->err));
	return heft_pickle_push(m, v);
}

enum heft_status heft_pickle_op_empty_tuple(struct heft_pickle_machine *m)
{
	return push_tuple(m, NULL, 0);
}

enum heft_status heft_pickle_op_tuple(struct heft_pickle_machine *m)
{
	const heft_pickle_ref *items;
	uint32_t n;

	HEFT_TRY(heft_pickle_pop_mark(m, &items, &n));
	return push_tuple(m, items, n);
}

static enum heft_status push_small_tuple(struct heft_pickle_machine *m, uint32_t n)
{
	heft_pickle_ref items[3];

	for (uint32_t i = n; i > 0; i--)
		HEFT_TRY(heft_pickle_pop(m, &items[i - 1]));
	return push_tuple(m, items, n);
}

enum heft_status heft_pickle_op_tuple1(struct heft_pickle_machine *m)
{
	return push_small_tuple(m, 1);
}

enum heft_status heft_pickle_op_tuple2(struct heft_pickle_machine *m)
{
	return push_small_tuple(m, 2);
}

enum heft_status heft_pickle_op_tuple3(struct heft_pickle_machine *m)
{
	return push_small_tuple(m, 3);
}

static bool takes_items(const struct heft_pickle_machine *m, heft_pickle_ref v,
                        enum heft_pickle_kind kind)
{
	const uint8_t k = m->p->values[v].kind;

	return k == kind || k == HEFT_PICKLE_CALL || k == HEFT_PICKLE_OBJECT;
}

/* Appends to what lies below the items in the stack. */
static enum heft_status append_all(struct heft_pickle_machine *m, enum heft_pickle_kind kind,
                                   const heft_pickle_ref *items, uint32_t n)
{
	heft_pickle_ref v;

	HEFT_TRY(heft_pickle_peek(m, &v));
	if (!takes_items(m, v, kind))
		return heft_pickle_fail(m, HEFT_E_CORRUPT,
		                        "items are appended to what cannot have any");
	return heft_pickle_append(m->p, v, items, n, m->err);
}

enum heft_status heft_pickle_op_append(struct heft_pickle_machine *m)
{
	heft_pickle_ref item;

	HEFT_TRY(heft_pickle_pop(m, &item));
	return append_all(m, HEFT_PICKLE_LIST, &item, 1);
}

enum heft_status heft_pickle_op_appends(struct heft_pickle_machine *m)
{
	const heft_pickle_ref *items;
	uint32_t n;

	HEFT_TRY(heft_pickle_pop_mark(m, &items, &n));
	return append_all(m, HEFT_PICKLE_LIST, items, n);
}

enum heft_status heft_pickle_op_additems(struct heft_pickle_machine *m)
{
	const heft_pickle_ref *items;
	uint32_t n;

	HEFT_TRY(heft_pickle_pop_mark(m, &items, &n));
	return append_all(m, HEFT_PICKLE_SET, items, n);
}

/* A list or set of all that lies above the mark: made first, since `items` lie in the stack. */
static enum heft_status collect(struct heft_pickle_machine *m, enum heft_pickle_kind kind)
{
	const heft_pickle_ref *items;
	heft_pickle_ref v;
	uint32_t n;

	HEFT_TRY(heft_pickle_pop_mark(m, &items, &n));
	HEFT_TRY(heft_pickle_add(m->p, m->at, kind, &v, m->err));
	HEFT_TRY(heft_pickle_append(m->p, v, items, n, m->err));
	return heft_pickle_push(m, v);
}

enum heft_status heft_pickle_op_list(struct heft_pickle_machine *m)
{
	return collect(m, HEFT_PICKLE_LIST);
}

enum heft_status heft_pickle_op_frozenset(struct heft_pickle_machine *m)
{
	return collect(m, HEFT_PICKLE_SET);
}

static enum heft_status set_all(struct heft_pickle_machine *m, heft_pickle_ref v,
                                const heft_pickle_ref *items, uint32_t n)
{
	if (n % 2 != 0)
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "a key has no value");
	if (!takes_items(m, v, HEFT_PICKLE_DICT))
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "keys are set on what cannot have any");
	for (uint32_t i = 0; i < n; i += 2)
		HEFT_TRY(heft_pickle_set(m->p, v, items[i], items[i + 1], m->err));
	return HEFT_OK;
}

enum heft_status heft_pickle_op_setitem(struct heft_pickle_machine *m)
{
	heft_pickle_ref pair[2];
	heft_pickle_ref v;

	HEFT_TRY(heft_pickle_pop(m, &pair[1]));
	HEFT_TRY(heft_pickle_pop(m, &pair[0]));
	HEFT_TRY(heft_pickle_peek(m, &v));
	return set_all(m, v, pair, 2);
}

enum heft_status heft_pickle_op_setitems(struct heft_pickle_machine *m)
{
	const heft_pickle_ref *items;
	heft_pickle_ref v;
	uint32_t n;

	HEFT_TRY(heft_pickle_pop_mark(m, &items, &n));
	HEFT_TRY(heft_pickle_peek(m, &v));
	return set_all(m, v, items, n);
}

enum heft_status heft_pickle_op_dict(struct heft_pickle_machine *m)
{
	const heft_pickle_ref *items;
	heft_pickle_ref v;
	uint32_t n;

	HEFT_TRY(heft_pickle_pop_mark(m, &items, &n));
	HEFT_TRY(heft_pickle_add(m->p, m->at, HEFT_PICKLE_DICT, &v, m->err));
	HEFT_TRY(set_all(m, v, items, n));
	return heft_pickle_push(m, v);
}
