/* SPDX-License-Identifier: Apache-2.0 */
/* pickle.c - looks at the values of a pickle. */
#include "format/pickle.h"

#include <string.h>

#include "base/alloc.h"
#include "format/pickle_values.h"

void heft_pickle_free(struct heft_pickle *p)
{
	if (!p)
		return;
	heft_free(p->values);
	heft_free(p->bodies);
	heft_free(p->refs);
	heft_free(p->interned);
	heft_free(p->in_dict);
	heft_buffer_done(&p->text);
	heft_free(p);
}

heft_pickle_ref heft_pickle_root(const struct heft_pickle *p)
{
	return p->root;
}

uint32_t heft_pickle_n_values(const struct heft_pickle *p)
{
	return p->n_values;
}

enum heft_pickle_kind heft_pickle_kind(const struct heft_pickle *p, heft_pickle_ref v)
{
	return (enum heft_pickle_kind)p->values[v].kind;
}

uint64_t heft_pickle_at(const struct heft_pickle *p, heft_pickle_ref v)
{
	return p->file_off + p->values[v].at;
}

bool heft_pickle_bool(const struct heft_pickle *p, heft_pickle_ref v)
{
	return p->values[v].u.integer != 0;
}

int64_t heft_pickle_int(const struct heft_pickle *p, heft_pickle_ref v)
{
	return p->values[v].u.integer;
}

double heft_pickle_float(const struct heft_pickle *p, heft_pickle_ref v)
{
	return p->values[v].u.real;
}

const uint8_t *heft_pickle_bytes(const struct heft_pickle *p, heft_pickle_ref v, size_t *size)
{
	const struct heft_pickle_value *value = &p->values[v];
	static const uint8_t none[1];

	*size = value->u.run.n;
	if (value->u.run.n == 0)
		return none;
	return (value->in_arena ? p->text.bytes : p->bytes) + value->u.run.first;
}

bool heft_pickle_is_text(const struct heft_pickle *p, heft_pickle_ref v, const char *text)
{
	const size_t n = strlen(text);
	const uint8_t *bytes;
	size_t size;

	if (p->values[v].kind != HEFT_PICKLE_TEXT)
		return false;
	bytes = heft_pickle_bytes(p, v, &size);
	return size == n && memcmp(bytes, text, n) == 0;
}

/* --- containers --- */

/* NULL: it cannot have a body, or has none yet. */
static const struct heft_pickle_body *body_of(const struct heft_pickle *p, heft_pickle_ref v)
{
	const struct heft_pickle_value *value = &p->values[v];

	switch ((enum heft_pickle_kind)value->kind) {
	case HEFT_PICKLE_LIST:
	case HEFT_PICKLE_SET:
	case HEFT_PICKLE_DICT:
	case HEFT_PICKLE_CALL:
	case HEFT_PICKLE_OBJECT:
		return value->u.body == HEFT_PICKLE_NONE ? NULL : &p->bodies[value->u.body];
	default:
		return NULL;
	}
}

static struct heft_pickle_run items_of(const struct heft_pickle *p, heft_pickle_ref v)
{
	const struct heft_pickle_body *body = body_of(p, v);

	if (p->values[v].kind == HEFT_PICKLE_TUPLE)
		return p->values[v].u.run;
	return body ? body->items : (struct heft_pickle_run){ 0, 0 };
}

uint32_t heft_pickle_n_items(const struct heft_pickle *p, heft_pickle_ref v)
{
	return items_of(p, v).n;
}

heft_pickle_ref heft_pickle_item(const struct heft_pickle *p, heft_pickle_ref v, uint32_t i)
{
	return p->refs[items_of(p, v).first + i];
}

/* --- calls and objects --- */

heft_pickle_ref heft_pickle_callee(const struct heft_pickle *p, heft_pickle_ref v)
{
	const struct heft_pickle_body *body = body_of(p, v);

	return body ? body->callee : HEFT_PICKLE_NONE;
}

heft_pickle_ref heft_pickle_argument(const struct heft_pickle *p, heft_pickle_ref v)
{
	const struct heft_pickle_body *body = body_of(p, v);

	if (p->values[v].kind == HEFT_PICKLE_PERSISTENT)
		return p->values[v].u.id;
	return body ? body->argument : HEFT_PICKLE_NONE;
}

heft_pickle_ref heft_pickle_state(const struct heft_pickle *p, heft_pickle_ref v)
{
	const struct heft_pickle_body *body = body_of(p, v);

	return body ? body->state : HEFT_PICKLE_NONE;
}

const char *heft_pickle_module(const struct heft_pickle *p, heft_pickle_ref v)
{
	return (const char *)p->text.bytes + p->values[v].u.run.first;
}

const char *heft_pickle_name(const struct heft_pickle *p, heft_pickle_ref v)
{
	const char *module = heft_pickle_module(p, v);

	return module + strlen(module) + 1;
}

bool heft_pickle_is_of(const struct heft_pickle *p, heft_pickle_ref v, const char *module,
                       const char *name)
{
	const heft_pickle_ref callee = heft_pickle_callee(p, v);

	if (callee == HEFT_PICKLE_NONE || p->values[callee].kind != HEFT_PICKLE_GLOBAL)
		return false;
	return strcmp(heft_pickle_module(p, callee), module) == 0 &&
	       strcmp(heft_pickle_name(p, callee), name) == 0;
}
