/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_make.c - what a call that the list allows is taken for: a container, bytes, an object, or
 * the call itself (spec/foreign/pickle.md, section 3). */
#include <string.h>

#include "base/error.h"
#include "format/pickle_globals.h"
#include "format/pickle_machine.h"

typedef enum heft_status make_fn(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                 heft_pickle_ref arguments, heft_pickle_ref *v);

static heft_pickle_ref argument(const struct heft_pickle_machine *m, heft_pickle_ref arguments,
                                uint32_t i)
{
	return i < heft_pickle_n_items(m->p, arguments) ? heft_pickle_item(m->p, arguments, i)
	                                                : HEFT_PICKLE_NONE;
}

static enum heft_status wrong(struct heft_pickle_machine *m)
{
	return heft_pickle_fail(m, HEFT_E_CORRUPT, "a call's arguments are not what it takes");
}

static bool is_kind(const struct heft_pickle_machine *m, heft_pickle_ref v,
                    enum heft_pickle_kind kind)
{
	return v != HEFT_PICKLE_NONE && m->p->values[v].kind == kind;
}

static bool is_sequence(const struct heft_pickle_machine *m, heft_pickle_ref v)
{
	return is_kind(m, v, HEFT_PICKLE_LIST) || is_kind(m, v, HEFT_PICKLE_TUPLE) ||
	       is_kind(m, v, HEFT_PICKLE_SET);
}

/* --- dicts --- */

enum heft_status heft_pickle_copy_pairs(struct heft_pickle_machine *m, heft_pickle_ref v,
                                        heft_pickle_ref from)
{
	const uint32_t n = heft_pickle_n_pairs(m->p, from);

	HEFT_TRY(heft_pickle_count_copies(m, n));
	for (uint32_t i = 0; i < n; i++) {
		heft_pickle_ref key;
		heft_pickle_ref value;

		heft_pickle_pair(m->p, from, i, &key, &value);
		HEFT_TRY(heft_pickle_set(m->p, v, key, value, m->err));
	}
	return HEFT_OK;
}

/* Pairs that are given as lists of two, which is how Python 2 kept an OrderedDict. */
static enum heft_status set_listed(struct heft_pickle_machine *m, heft_pickle_ref v,
                                   heft_pickle_ref list)
{
	const uint32_t n = heft_pickle_n_items(m->p, list);

	HEFT_TRY(heft_pickle_count_copies(m, n));
	for (uint32_t i = 0; i < n; i++) {
		const heft_pickle_ref pair = heft_pickle_item(m->p, list, i);

		if (!is_sequence(m, pair) || heft_pickle_n_items(m->p, pair) != 2)
			return wrong(m);
		HEFT_TRY(heft_pickle_set(m->p, v, heft_pickle_item(m->p, pair, 0),
		                         heft_pickle_item(m->p, pair, 1), m->err));
	}
	return HEFT_OK;
}

static enum heft_status make_dict_of(struct heft_pickle_machine *m, heft_pickle_ref content,
                                     heft_pickle_ref *v)
{
	HEFT_TRY(heft_pickle_add(m->p, m->at, HEFT_PICKLE_DICT, v, m->err));
	if (content == HEFT_PICKLE_NONE)
		return HEFT_OK;
	if (is_kind(m, content, HEFT_PICKLE_DICT))
		return heft_pickle_copy_pairs(m, *v, content);
	return is_sequence(m, content) ? set_listed(m, *v, content) : wrong(m);
}

static enum heft_status make_dict(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                  heft_pickle_ref arguments, heft_pickle_ref *v)
{
	(void)callee;
	if (heft_pickle_n_items(m->p, arguments) > 1)
		return wrong(m);
	return make_dict_of(m, argument(m, arguments, 0), v);
}

static enum heft_status make_factory_dict(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                          heft_pickle_ref arguments, heft_pickle_ref *v)
{
	(void)callee;
	if (heft_pickle_n_items(m->p, arguments) > 2)
		return wrong(m);
	return make_dict_of(m, argument(m, arguments, 1), v);
}

/* --- sequences --- */

static enum heft_status append_listed(struct heft_pickle_machine *m, heft_pickle_ref v,
                                      heft_pickle_ref from)
{
	const uint32_t n = heft_pickle_n_items(m->p, from);

	HEFT_TRY(heft_pickle_count_copies(m, n));
	for (uint32_t i = 0; i < n; i++) {
		const heft_pickle_ref item = heft_pickle_item(m->p, from, i);

		HEFT_TRY(heft_pickle_append(m->p, v, &item, 1, m->err));
	}
	return HEFT_OK;
}

static enum heft_status make_items(struct heft_pickle_machine *m, enum heft_pickle_kind kind,
                                   heft_pickle_ref arguments, heft_pickle_ref *v)
{
	const heft_pickle_ref content = argument(m, arguments, 0);

	if (heft_pickle_n_items(m->p, arguments) > 1)
		return wrong(m);
	if (content != HEFT_PICKLE_NONE && !is_sequence(m, content))
		return wrong(m);
	HEFT_TRY(heft_pickle_add(m->p, m->at, kind, v, m->err));
	return content == HEFT_PICKLE_NONE ? HEFT_OK : append_listed(m, *v, content);
}

static enum heft_status make_list(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                  heft_pickle_ref arguments, heft_pickle_ref *v)
{
	(void)callee;
	return make_items(m, HEFT_PICKLE_LIST, arguments, v);
}

static enum heft_status make_set(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                 heft_pickle_ref arguments, heft_pickle_ref *v)
{
	(void)callee;
	return make_items(m, HEFT_PICKLE_SET, arguments, v);
}

/* The list that holds the items is nobody else's. */
static enum heft_status make_tuple(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                   heft_pickle_ref arguments, heft_pickle_ref *v)
{
	heft_pickle_ref list;

	(void)callee;
	HEFT_TRY(make_items(m, HEFT_PICKLE_LIST, arguments, &list));
	HEFT_TRY(heft_pickle_add_tuple(m->p, m->at, NULL, 0, v, m->err));
	if (heft_pickle_n_items(m->p, list) > 0)
		m->p->values[*v].u.run = m->p->bodies[m->p->values[list].u.body].items;
	return HEFT_OK;
}

/* --- bytes --- */

/* The code point at s[*i], which is below 0x100, or 0x100. */
static unsigned latin1_at(const uint8_t *s, size_t n, size_t *i)
{
	const uint8_t c = s[(*i)++];

	if (c < 0x80)
		return c;
	if ((c != 0xc2 && c != 0xc3) || *i >= n)
		return 0x100;
	return (c & 3u) << 6 | (s[(*i)++] & 0x3fu);
}

/* Text whose characters are the bytes. */
static enum heft_status encode_latin1(struct heft_pickle_machine *m, heft_pickle_ref text,
                                      heft_pickle_ref *v)
{
	struct heft_buffer *b = &m->p->text;
	const size_t first = b->size;
	size_t n;
	const uint8_t *s = heft_pickle_bytes(m->p, text, &n);
	const struct heft_pickle_value t = m->p->values[text];
	size_t i = 0;

	while (i < n && s[i] < 0x80)
		i++;
	if (i == n)
		return heft_pickle_add_bytes(m->p, m->at, HEFT_PICKLE_BYTES, t.in_arena,
		                             t.u.run.first, n, v, m->err);
	HEFT_TRY(heft_pickle_count_copies(m, n));
	if (!heft_buffer_reserve(b, n))
		return heft_pickle_fail(m, HEFT_E_NOMEM, "no memory for bytes");
	s = heft_pickle_bytes(m->p, text, &n);
	for (i = 0; i < n;) {
		const unsigned c = latin1_at(s, n, &i);

		if (c > 0xff)
			return wrong(m);
		b->bytes[b->size++] = (uint8_t)c;
	}
	return heft_pickle_add_bytes(m->p, m->at, HEFT_PICKLE_BYTES, true, first, b->size - first,
	                             v, m->err);
}

static bool is_latin1(const struct heft_pickle_machine *m, heft_pickle_ref v)
{
	return heft_pickle_is_text(m->p, v, "latin1") || heft_pickle_is_text(m->p, v, "latin-1");
}

static enum heft_status make_encoded(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                     heft_pickle_ref arguments, heft_pickle_ref *v)
{
	(void)callee;
	if (heft_pickle_n_items(m->p, arguments) != 2 ||
	    !is_kind(m, argument(m, arguments, 0), HEFT_PICKLE_TEXT) ||
	    !is_latin1(m, argument(m, arguments, 1)))
		return heft_pickle_fail(m, HEFT_E_UNSUPPORTED,
		                        "the pickle calls '_codecs.encode' for another encoding "
		                        "than latin1: refused, and nothing was run");
	return encode_latin1(m, argument(m, arguments, 0), v);
}

/* bytes(), bytearray(), bytearray(BYTES), bytearray(TEXT, "latin-1") */
static enum heft_status make_bytes(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                   heft_pickle_ref arguments, heft_pickle_ref *v)
{
	const uint32_t n = heft_pickle_n_items(m->p, arguments);
	const heft_pickle_ref content = argument(m, arguments, 0);

	if (n == 0)
		return heft_pickle_add_bytes(m->p, m->at, HEFT_PICKLE_BYTES, false, 0, 0, v,
		                             m->err);
	if (n == 1 && is_kind(m, content, HEFT_PICKLE_BYTES)) {
		const struct heft_pickle_value old = m->p->values[content];

		return heft_pickle_add_bytes(m->p, m->at, HEFT_PICKLE_BYTES, old.in_arena,
		                             old.u.run.first, old.u.run.n, v, m->err);
	}
	if (n == 2 && is_kind(m, content, HEFT_PICKLE_TEXT))
		return make_encoded(m, callee, arguments, v);
	return wrong(m);
}

/* --- calls and objects --- */

static enum heft_status make_value(struct heft_pickle_machine *m, enum heft_pickle_kind kind,
                                   heft_pickle_ref callee, heft_pickle_ref arguments,
                                   heft_pickle_ref *v)
{
	struct heft_pickle_body *body;

	HEFT_TRY(heft_pickle_add(m->p, m->at, kind, v, m->err));
	HEFT_TRY(heft_pickle_body(m->p, *v, &body, m->err));
	body->callee = callee;
	body->argument = arguments;
	return HEFT_OK;
}

static enum heft_status make_call(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                  heft_pickle_ref arguments, heft_pickle_ref *v)
{
	return make_value(m, HEFT_PICKLE_CALL, callee, arguments, v);
}

/* PyTorch's legacy files give a module's class by a persistent id, ('module', CLASS, FILE, TEXT),
 * which has its source. */
static heft_pickle_ref class_of(const struct heft_pickle_machine *m, heft_pickle_ref class)
{
	heft_pickle_ref id;

	if (!is_kind(m, class, HEFT_PICKLE_PERSISTENT))
		return class;
	id = m->p->values[class].u.id;
	if (!is_kind(m, id, HEFT_PICKLE_TUPLE) || heft_pickle_n_items(m->p, id) < 2 ||
	    !heft_pickle_is_text(m->p, heft_pickle_item(m->p, id, 0), "module"))
		return class;
	return heft_pickle_item(m->p, id, 1);
}

enum heft_status heft_pickle_make_object(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                         heft_pickle_ref arguments, heft_pickle_ref *v)
{
	const heft_pickle_ref class = class_of(m, callee);
	uint8_t action;

	if (!is_kind(m, class, HEFT_PICKLE_GLOBAL))
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "an object's class is no global");
	action = m->p->values[class].action;
	if (heft_pickle_n_items(m->p, arguments) == 0 && action == HEFT_PICKLE_MAKES_DICT)
		return make_dict_of(m, HEFT_PICKLE_NONE, v);
	return make_value(m, HEFT_PICKLE_OBJECT, class, arguments, v);
}

/* copyreg._reconstructor(CLASS, BASE, STATE): what the base class makes of the state, a list or
 * dict perhaps, is the object's argument. */
static enum heft_status make_reconstructed(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                           heft_pickle_ref arguments, heft_pickle_ref *v)
{
	const heft_pickle_ref state = argument(m, arguments, 2);
	heft_pickle_ref rest;

	(void)callee;
	if (heft_pickle_n_items(m->p, arguments) != 3)
		return wrong(m);
	HEFT_TRY(heft_pickle_add_tuple(m->p, m->at, &state, !is_kind(m, state, HEFT_PICKLE_NULL),
	                               &rest, m->err));
	return heft_pickle_make_object(m, argument(m, arguments, 0), rest, v);
}

/* copyreg.__newobj__(CLASS, ...): the rest of the tuple is the object's. */
static enum heft_status make_new(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                 heft_pickle_ref arguments, heft_pickle_ref *v)
{
	const struct heft_pickle_run run = m->p->values[arguments].u.run;
	heft_pickle_ref rest;

	(void)callee;
	if (run.n == 0)
		return wrong(m);
	HEFT_TRY(heft_pickle_add_tuple(m->p, m->at, NULL, 0, &rest, m->err));
	m->p->values[rest].u.run = (struct heft_pickle_run){ run.first + 1, run.n - 1 };
	return heft_pickle_make_object(m, argument(m, arguments, 0), rest, v);
}

/* copyreg.__newobj_ex__(CLASS, ARGUMENTS, KEYWORDS) */
static enum heft_status make_new_ex(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                    heft_pickle_ref arguments, heft_pickle_ref *v)
{
	(void)callee;
	if (heft_pickle_n_items(m->p, arguments) != 3 ||
	    !is_kind(m, argument(m, arguments, 1), HEFT_PICKLE_TUPLE) ||
	    !is_kind(m, argument(m, arguments, 2), HEFT_PICKLE_DICT))
		return wrong(m);
	HEFT_TRY(heft_pickle_make_object(m, argument(m, arguments, 0), argument(m, arguments, 1),
	                                 v));
	return heft_pickle_copy_pairs(m, *v, argument(m, arguments, 2));
}

static make_fn *const makers[] = {
	[HEFT_PICKLE_CALLED] = make_call,
	[HEFT_PICKLE_MAKES_DICT] = make_dict,
	[HEFT_PICKLE_MAKES_FACTORY_DICT] = make_factory_dict,
	[HEFT_PICKLE_MAKES_LIST] = make_list,
	[HEFT_PICKLE_MAKES_TUPLE] = make_tuple,
	[HEFT_PICKLE_MAKES_SET] = make_set,
	[HEFT_PICKLE_MAKES_BYTES] = make_bytes,
	[HEFT_PICKLE_ENCODES] = make_encoded,
	[HEFT_PICKLE_RECONSTRUCTS] = make_reconstructed,
	[HEFT_PICKLE_MAKES_OBJECT] = make_new,
	[HEFT_PICKLE_MAKES_OBJECT_EX] = make_new_ex,
};

enum heft_status heft_pickle_make(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                  heft_pickle_ref arguments)
{
	heft_pickle_ref v;

	HEFT_TRY(makers[m->p->values[callee].action](m, callee, arguments, &v));
	return heft_pickle_push(m, v);
}
