/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_call.c - the opcodes of a pickle that name globals, call them and make objects of them:
 * here they only say so (spec/foreign/pickle.md, section 2). */
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "format/pickle_globals.h"
#include "format/pickle_machine.h"

#define NAME_MAX_SIZE 255 /* bytes of a module's name, and of what it holds */
#define QUOTED 80         /* of them in a message */

struct global_name {
	char module[NAME_MAX_SIZE + 1];
	char name[NAME_MAX_SIZE + 1];
};

/* --- naming --- */

static enum heft_status copy_name(struct heft_pickle_machine *m, char *dst, const uint8_t *s,
                                  size_t n)
{
	if (n > NAME_MAX_SIZE)
		return heft_pickle_fail(m, HEFT_E_UNSUPPORTED,
		                        "a global's name is longer than 255 bytes");
	if (n == 0 || memchr(s, '\0', n) || !heft_utf8_ok(s, n))
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "a global's name is malformed");
	memcpy(dst, s, n);
	dst[n] = '\0';
	return HEFT_OK;
}

static enum heft_status refuse_global(struct heft_pickle_machine *m, const char *module,
                                      const char *name, const char *why)
{
	return heft_fail(m->err, HEFT_E_UNSUPPORTED, m->p->file_off + m->at,
	                 "the pickle %s '%.*s.%.*s': refused, and nothing was run", why, QUOTED,
	                 module, QUOTED, name);
}

/* K2-1, K2-2, K2-5 */
static enum heft_status make_global(struct heft_pickle_machine *m, const struct global_name *g,
                                    heft_pickle_ref *v)
{
	enum heft_pickle_action action = HEFT_PICKLE_NAMED;
	const char *module = g->module;
	const char *name = g->name;

	heft_pickle_modernise(&module, &name);
	if (strchr(name, '.'))
		return refuse_global(m, module, name, "reaches through attributes to");
	if (!heft_pickle_find_global(module, name, &action))
		return refuse_global(m, module, name,
		                     "names a part of Python that no model needs,");
	return heft_pickle_add_global(m->p, m->at, module, name, (uint8_t)action, v, m->err);
}

static enum heft_status take_global(struct heft_pickle_machine *m, heft_pickle_ref *v)
{
	struct global_name g;
	const uint8_t *line;
	size_t n;

	HEFT_TRY(heft_pickle_take_line(m, &line, &n));
	HEFT_TRY(copy_name(m, g.module, line, n));
	HEFT_TRY(heft_pickle_take_line(m, &line, &n));
	HEFT_TRY(copy_name(m, g.name, line, n));
	return make_global(m, &g, v);
}

enum heft_status heft_pickle_op_global(struct heft_pickle_machine *m)
{
	heft_pickle_ref v;

	HEFT_TRY(take_global(m, &v));
	return heft_pickle_push(m, v);
}

enum heft_status heft_pickle_op_stack_global(struct heft_pickle_machine *m)
{
	struct global_name g;
	heft_pickle_ref module;
	heft_pickle_ref name;
	heft_pickle_ref v;
	const uint8_t *bytes;
	size_t n;

	HEFT_TRY(heft_pickle_pop(m, &name));
	HEFT_TRY(heft_pickle_pop(m, &module));
	if (m->p->values[module].kind != HEFT_PICKLE_TEXT ||
	    m->p->values[name].kind != HEFT_PICKLE_TEXT)
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "a global's name is not text");
	bytes = heft_pickle_bytes(m->p, module, &n);
	HEFT_TRY(copy_name(m, g.module, bytes, n));
	bytes = heft_pickle_bytes(m->p, name, &n);
	HEFT_TRY(copy_name(m, g.name, bytes, n));
	HEFT_TRY(make_global(m, &g, &v));
	return heft_pickle_push(m, v);
}

/* --- calling --- */

/* K2-4 */
static enum heft_status call(struct heft_pickle_machine *m, heft_pickle_ref callee,
                             heft_pickle_ref arguments)
{
	const struct heft_pickle_value *c = &m->p->values[callee];

	if (m->p->values[arguments].kind != HEFT_PICKLE_TUPLE)
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "a call's arguments are no tuple");
	if (c->kind != HEFT_PICKLE_GLOBAL)
		return heft_pickle_fail(m, HEFT_E_UNSUPPORTED,
		                        "the pickle calls what is no global: refused, and nothing "
		                        "was run");
	if (c->action == HEFT_PICKLE_NAMED)
		return refuse_global(m, heft_pickle_module(m->p, callee),
		                     heft_pickle_name(m->p, callee), "calls");
	return heft_pickle_make(m, callee, arguments);
}

enum heft_status heft_pickle_op_reduce(struct heft_pickle_machine *m)
{
	heft_pickle_ref arguments;
	heft_pickle_ref callee;

	HEFT_TRY(heft_pickle_pop(m, &arguments));
	HEFT_TRY(heft_pickle_pop(m, &callee));
	return call(m, callee, arguments);
}

enum heft_status heft_pickle_op_inst(struct heft_pickle_machine *m)
{
	const heft_pickle_ref *items;
	heft_pickle_ref arguments;
	heft_pickle_ref callee;
	uint32_t n;

	HEFT_TRY(take_global(m, &callee));
	HEFT_TRY(heft_pickle_pop_mark(m, &items, &n));
	HEFT_TRY(heft_pickle_add_tuple(m->p, m->at, items, n, &arguments, m->err));
	return call(m, callee, arguments);
}

enum heft_status heft_pickle_op_obj(struct heft_pickle_machine *m)
{
	const heft_pickle_ref *items;
	heft_pickle_ref arguments;
	heft_pickle_ref callee;
	uint32_t n;

	HEFT_TRY(heft_pickle_pop_mark(m, &items, &n));
	if (n == 0)
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "an object has no class");
	callee = items[0];
	HEFT_TRY(heft_pickle_add_tuple(m->p, m->at, items + 1, n - 1, &arguments, m->err));
	return call(m, callee, arguments);
}

/* --- objects --- */

/* K2-3 */
static enum heft_status new_object(struct heft_pickle_machine *m, heft_pickle_ref class,
                                   heft_pickle_ref arguments, heft_pickle_ref *v)
{
	if (m->p->values[arguments].kind != HEFT_PICKLE_TUPLE)
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "an object's arguments are no tuple");
	return heft_pickle_make_object(m, class, arguments, v);
}

enum heft_status heft_pickle_op_newobj(struct heft_pickle_machine *m)
{
	heft_pickle_ref arguments;
	heft_pickle_ref class;
	heft_pickle_ref v;

	HEFT_TRY(heft_pickle_pop(m, &arguments));
	HEFT_TRY(heft_pickle_pop(m, &class));
	HEFT_TRY(new_object(m, class, arguments, &v));
	return heft_pickle_push(m, v);
}

/* Arguments with names are the object's pairs. */
enum heft_status heft_pickle_op_newobj_ex(struct heft_pickle_machine *m)
{
	heft_pickle_ref keywords;
	heft_pickle_ref arguments;
	heft_pickle_ref class;
	heft_pickle_ref v;

	HEFT_TRY(heft_pickle_pop(m, &keywords));
	HEFT_TRY(heft_pickle_pop(m, &arguments));
	HEFT_TRY(heft_pickle_pop(m, &class));
	if (m->p->values[keywords].kind != HEFT_PICKLE_DICT)
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "an object's keywords are no dict");
	HEFT_TRY(new_object(m, class, arguments, &v));
	HEFT_TRY(heft_pickle_copy_pairs(m, v, keywords));
	return heft_pickle_push(m, v);
}

/* The object stays on the stack. */
enum heft_status heft_pickle_op_build(struct heft_pickle_machine *m)
{
	struct heft_pickle_body *body;
	heft_pickle_ref state;
	heft_pickle_ref v;
	uint8_t kind;

	HEFT_TRY(heft_pickle_pop(m, &state));
	HEFT_TRY(heft_pickle_pop(m, &v));
	kind = m->p->values[v].kind;
	if (kind != HEFT_PICKLE_CALL && kind != HEFT_PICKLE_OBJECT && kind != HEFT_PICKLE_DICT)
		return heft_pickle_fail(m, HEFT_E_CORRUPT,
		                        "a state is given to what cannot have one");
	HEFT_TRY(heft_pickle_body(m->p, v, &body, m->err));
	if (body->state != HEFT_PICKLE_NONE)
		return heft_pickle_fail(m, HEFT_E_UNSUPPORTED, "a value is given two states");
	body->state = state;
	return heft_pickle_push(m, v);
}
