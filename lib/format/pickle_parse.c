/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_parse.c - runs the opcodes of a pickle over inert values (spec/foreign/pickle.md,
 * section 1). */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "format/pickle_machine.h"

#define MEMO_MAX (UINT32_C(1) << 26)
#define PROTOCOL_MAX 5

typedef enum heft_status op_fn(struct heft_pickle_machine *m);

/* --- what every opcode uses --- */

enum heft_status heft_pickle_fail(struct heft_pickle_machine *m, enum heft_status code,
                                  const char *what)
{
	return heft_fail(m->err, code, m->p->file_off + m->at, "%s", what);
}

/* The limit is where the pickle ends for the cursor. */
static enum heft_status fail_at_end(struct heft_pickle_machine *m, uint64_t n_wanted)
{
	if (m->c.size < m->size || n_wanted > HEFT_PICKLE_SIZE_MAX)
		return heft_fail(m->err, HEFT_E_LIMIT, m->p->file_off + m->at,
		                 "the pickle is larger than the limit");
	m->is_cut = true;
	return heft_fail(m->err, HEFT_E_CORRUPT, m->p->file_off + m->size,
	                 "the pickle ends in the middle");
}

enum heft_status heft_pickle_take(struct heft_pickle_machine *m, uint64_t n, const uint8_t **bytes)
{
	if (n > heft_cursor_left(&m->c))
		return fail_at_end(m, n);
	*bytes = heft_cursor_bytes(&m->c, (size_t)n);
	return HEFT_OK;
}

enum heft_status heft_pickle_take_line(struct heft_pickle_machine *m, const uint8_t **bytes,
                                       size_t *n)
{
	const size_t left = heft_cursor_left(&m->c);
	const uint8_t *begin = left > 0 ? m->c.bytes + m->c.pos : NULL;
	const uint8_t *end = left > 0 ? memchr(begin, '\n', left) : NULL;

	if (!end)
		return fail_at_end(m, 0);
	*n = (size_t)(end - begin);
	*bytes = begin;
	heft_cursor_bytes(&m->c, *n + 1);
	return HEFT_OK;
}

enum heft_status heft_pickle_take_number(struct heft_pickle_machine *m, size_t width, uint64_t *v)
{
	uint8_t wide[8] = { 0 };
	const uint8_t *bytes = NULL;

	HEFT_TRY(heft_pickle_take(m, width, &bytes));
	memcpy(wide, bytes, width);
	*v = heft_get_le64(wide);
	return HEFT_OK;
}

enum heft_status heft_pickle_push(struct heft_pickle_machine *m, heft_pickle_ref v)
{
	void *stack = m->stack;
	enum heft_status st;

	if (m->n_stack >= m->p->max_values)
		return heft_pickle_fail(m, HEFT_E_LIMIT, "a pickle's stack is too high");
	st = heft_pickle_grow(&stack, &m->stack_capacity, (uint64_t)m->n_stack + 1,
	                      sizeof *m->stack, m->err);
	m->stack = stack;
	if (st != HEFT_OK)
		return st;
	m->stack[m->n_stack++] = v;
	return HEFT_OK;
}

/* How many values lie above the topmost mark. */
static uint32_t n_above(const struct heft_pickle_machine *m)
{
	return m->n_stack - (m->n_marks > 0 ? m->marks[m->n_marks - 1] : 0);
}

enum heft_status heft_pickle_peek(struct heft_pickle_machine *m, heft_pickle_ref *v)
{
	if (n_above(m) == 0)
		return heft_pickle_fail(m, HEFT_E_CORRUPT,
		                        "the opcode needs a value where there is none");
	*v = m->stack[m->n_stack - 1];
	return HEFT_OK;
}

enum heft_status heft_pickle_pop(struct heft_pickle_machine *m, heft_pickle_ref *v)
{
	HEFT_TRY(heft_pickle_peek(m, v));
	m->n_stack--;
	return HEFT_OK;
}

enum heft_status heft_pickle_pop_mark(struct heft_pickle_machine *m, const heft_pickle_ref **items,
                                      uint32_t *n)
{
	if (m->n_marks == 0)
		return heft_pickle_fail(m, HEFT_E_CORRUPT,
		                        "the opcode needs a mark where there is none");
	*n = n_above(m);
	m->n_marks--;
	m->n_stack -= *n;
	*items = m->stack ? m->stack + m->n_stack : NULL;
	return HEFT_OK;
}

enum heft_status heft_pickle_count_copies(struct heft_pickle_machine *m, uint64_t n)
{
	m->n_copied += n;
	if (m->n_copied > m->c.size)
		return heft_pickle_fail(m, HEFT_E_LIMIT,
		                        "the pickle copies more than it has bytes");
	return HEFT_OK;
}

enum heft_status heft_pickle_push_new(struct heft_pickle_machine *m, enum heft_pickle_kind kind,
                                      heft_pickle_ref *v)
{
	HEFT_TRY(heft_pickle_add(m->p, m->at, kind, v, m->err));
	return heft_pickle_push(m, *v);
}

/* --- the stack --- */

static enum heft_status op_mark(struct heft_pickle_machine *m)
{
	void *marks = m->marks;
	enum heft_status st;

	if (m->n_marks >= m->p->max_values)
		return heft_pickle_fail(m, HEFT_E_LIMIT, "a pickle has too many marks");
	st = heft_pickle_grow(&marks, &m->marks_capacity, (uint64_t)m->n_marks + 1,
	                      sizeof *m->marks, m->err);
	m->marks = marks;
	if (st != HEFT_OK)
		return st;
	m->marks[m->n_marks++] = m->n_stack;
	return HEFT_OK;
}

/* Takes a mark that is topmost, as Python does. */
static enum heft_status op_pop(struct heft_pickle_machine *m)
{
	heft_pickle_ref v;

	if (n_above(m) == 0 && m->n_marks > 0) {
		m->n_marks--;
		return HEFT_OK;
	}
	return heft_pickle_pop(m, &v);
}

static enum heft_status op_pop_mark(struct heft_pickle_machine *m)
{
	const heft_pickle_ref *items;
	uint32_t n;

	return heft_pickle_pop_mark(m, &items, &n);
}

static enum heft_status op_dup(struct heft_pickle_machine *m)
{
	heft_pickle_ref v = HEFT_PICKLE_NONE;

	HEFT_TRY(heft_pickle_peek(m, &v));
	return heft_pickle_push(m, v);
}

static enum heft_status op_stop(struct heft_pickle_machine *m)
{
	HEFT_TRY(heft_pickle_pop(m, &m->p->root));
	if (m->n_stack > 0 || m->n_marks > 0)
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "the pickle leaves more than one value");
	m->is_done = true;
	return HEFT_OK;
}

/* --- the memo --- */

/* Who writes a pickle counts its entries, each of two bytes and more: one above the offset is
 * nobody's, and would make the memo larger than the pickle. */
static enum heft_status put(struct heft_pickle_machine *m, uint64_t number)
{
	void *memo = m->memo;
	heft_pickle_ref v = HEFT_PICKLE_NONE;
	enum heft_status st;

	HEFT_TRY(heft_pickle_peek(m, &v));
	if (number >= MEMO_MAX || number > m->c.pos)
		return heft_pickle_fail(m, HEFT_E_LIMIT, "a number of the memo is too large");
	st = heft_pickle_grow(&memo, &m->memo_capacity, number + 1, sizeof *m->memo, m->err);
	m->memo = memo;
	if (st != HEFT_OK)
		return st;
	while (m->n_memo <= number)
		m->memo[m->n_memo++] = HEFT_PICKLE_NONE;
	m->n_put += m->memo[number] == HEFT_PICKLE_NONE;
	m->memo[number] = v;
	return HEFT_OK;
}

static enum heft_status get(struct heft_pickle_machine *m, uint64_t number)
{
	if (number >= m->n_memo || m->memo[number] == HEFT_PICKLE_NONE)
		return heft_pickle_fail(m, HEFT_E_CORRUPT,
		                        "a value is taken from where the memo has none");
	return heft_pickle_push(m, m->memo[number]);
}

/* A line of decimal digits. */
static enum heft_status take_digits(struct heft_pickle_machine *m, uint64_t *number)
{
	const uint8_t *line;
	size_t n;

	HEFT_TRY(heft_pickle_take_line(m, &line, &n));
	*number = 0;
	if (n == 0 || n > 10)
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "a number of the memo is malformed");
	for (size_t i = 0; i < n; i++) {
		if (line[i] < '0' || line[i] > '9')
			return heft_pickle_fail(m, HEFT_E_CORRUPT,
			                        "a number of the memo is malformed");
		*number = *number * 10 + (line[i] - '0');
	}
	return HEFT_OK;
}

static enum heft_status op_put(struct heft_pickle_machine *m)
{
	uint64_t number;

	HEFT_TRY(take_digits(m, &number));
	return put(m, number);
}

static enum heft_status op_binput(struct heft_pickle_machine *m)
{
	uint64_t number;

	HEFT_TRY(heft_pickle_take_number(m, 1, &number));
	return put(m, number);
}

static enum heft_status op_long_binput(struct heft_pickle_machine *m)
{
	uint64_t number;

	HEFT_TRY(heft_pickle_take_number(m, 4, &number));
	return put(m, number);
}

/* The number is how many entries there are, gaps not counted. */
static enum heft_status op_memoize(struct heft_pickle_machine *m)
{
	return put(m, m->n_put);
}

static enum heft_status op_get(struct heft_pickle_machine *m)
{
	uint64_t number;

	HEFT_TRY(take_digits(m, &number));
	return get(m, number);
}

static enum heft_status op_binget(struct heft_pickle_machine *m)
{
	uint64_t number;

	HEFT_TRY(heft_pickle_take_number(m, 1, &number));
	return get(m, number);
}

static enum heft_status op_long_binget(struct heft_pickle_machine *m)
{
	uint64_t number;

	HEFT_TRY(heft_pickle_take_number(m, 4, &number));
	return get(m, number);
}

/* --- the rest --- */

static enum heft_status push_persistent(struct heft_pickle_machine *m)
{
	heft_pickle_ref id = HEFT_PICKLE_NONE;
	heft_pickle_ref v;

	HEFT_TRY(heft_pickle_pop(m, &id));
	HEFT_TRY(heft_pickle_push_new(m, HEFT_PICKLE_PERSISTENT, &v));
	m->p->values[v].u.id = id;
	return HEFT_OK;
}

static enum heft_status op_persid(struct heft_pickle_machine *m)
{
	const uint8_t *line;
	size_t n;

	HEFT_TRY(heft_pickle_take_line(m, &line, &n));
	HEFT_TRY(heft_pickle_push_text(m, false, (size_t)(line - m->c.bytes), n, false));
	return push_persistent(m);
}

static enum heft_status op_proto(struct heft_pickle_machine *m)
{
	uint64_t version;

	HEFT_TRY(heft_pickle_take_number(m, 1, &version));
	if (version > PROTOCOL_MAX)
		return heft_pickle_fail(m, HEFT_E_UNSUPPORTED,
		                        "the pickle is of a protocol above 5");
	return HEFT_OK;
}

/* A frame is a hint for readers that read in pieces. */
static enum heft_status op_frame(struct heft_pickle_machine *m)
{
	uint64_t size;

	HEFT_TRY(heft_pickle_take_number(m, 8, &size));
	if (size > heft_cursor_left(&m->c))
		return fail_at_end(m, size);
	return HEFT_OK;
}

static enum heft_status op_unsupported(struct heft_pickle_machine *m)
{
	return heft_fail(m->err, HEFT_E_UNSUPPORTED, m->p->file_off + m->at,
	                 "opcode 0x%02x of a pickle is not one that is read", m->c.bytes[m->at]);
}

static op_fn *const ops[256] = {
	['('] = op_mark,
	[')'] = heft_pickle_op_empty_tuple,
	['.'] = op_stop,
	['0'] = op_pop,
	['1'] = op_pop_mark,
	['2'] = op_dup,
	['B'] = heft_pickle_op_binbytes,
	['C'] = heft_pickle_op_short_binbytes,
	['F'] = heft_pickle_op_float,
	['G'] = heft_pickle_op_binfloat,
	['I'] = heft_pickle_op_int,
	['J'] = heft_pickle_op_binint,
	['K'] = heft_pickle_op_binint1,
	['L'] = heft_pickle_op_long,
	['M'] = heft_pickle_op_binint2,
	['N'] = heft_pickle_op_none,
	['P'] = op_persid,
	['Q'] = push_persistent,
	['R'] = heft_pickle_op_reduce,
	['S'] = heft_pickle_op_string,
	['T'] = heft_pickle_op_binstring,
	['U'] = heft_pickle_op_short_binstring,
	['V'] = heft_pickle_op_unicode,
	['X'] = heft_pickle_op_binunicode,
	[']'] = heft_pickle_op_empty_list,
	['a'] = heft_pickle_op_append,
	['b'] = heft_pickle_op_build,
	['c'] = heft_pickle_op_global,
	['d'] = heft_pickle_op_dict,
	['e'] = heft_pickle_op_appends,
	['g'] = op_get,
	['h'] = op_binget,
	['i'] = heft_pickle_op_inst,
	['j'] = op_long_binget,
	['l'] = heft_pickle_op_list,
	['o'] = heft_pickle_op_obj,
	['p'] = op_put,
	['q'] = op_binput,
	['r'] = op_long_binput,
	['s'] = heft_pickle_op_setitem,
	['t'] = heft_pickle_op_tuple,
	['u'] = heft_pickle_op_setitems,
	['}'] = heft_pickle_op_empty_dict,
	[0x80] = op_proto,
	[0x81] = heft_pickle_op_newobj,
	[0x85] = heft_pickle_op_tuple1,
	[0x86] = heft_pickle_op_tuple2,
	[0x87] = heft_pickle_op_tuple3,
	[0x88] = heft_pickle_op_true,
	[0x89] = heft_pickle_op_false,
	[0x8a] = heft_pickle_op_long1,
	[0x8b] = heft_pickle_op_long4,
	[0x8c] = heft_pickle_op_short_binunicode,
	[0x8d] = heft_pickle_op_binunicode8,
	[0x8e] = heft_pickle_op_binbytes8,
	[0x8f] = heft_pickle_op_empty_set,
	[0x90] = heft_pickle_op_additems,
	[0x91] = heft_pickle_op_frozenset,
	[0x92] = heft_pickle_op_newobj_ex,
	[0x93] = heft_pickle_op_stack_global,
	[0x94] = op_memoize,
	[0x95] = op_frame,
	[0x96] = heft_pickle_op_binbytes8, /* BYTEARRAY8 */
};

static enum heft_status run(struct heft_pickle_machine *m)
{
	while (!m->is_done) {
		op_fn *op;
		uint64_t code;

		m->at = (uint32_t)m->c.pos;
		HEFT_TRY(heft_pickle_take_number(m, 1, &code));
		op = ops[code] ? ops[code] : op_unsupported;
		HEFT_TRY(op(m));
	}
	return HEFT_OK;
}

static uint64_t limit_of(uint64_t asked, uint64_t max)
{
	return asked == 0 || asked > max ? max : asked;
}

enum heft_status heft_pickle_parse(const uint8_t *bytes, size_t size, uint64_t file_off,
                                   const struct heft_pickle_limits *limits,
                                   struct heft_pickle **out, size_t *n_used, bool *is_cut,
                                   struct heft_error *err)
{
	const uint64_t max_size = limit_of(limits ? limits->max_size : 0, HEFT_PICKLE_SIZE_MAX);
	struct heft_pickle_machine m = { .size = size, .err = err };
	struct heft_pickle *p = heft_zalloc(sizeof *p);
	enum heft_status st;

	if (is_cut)
		*is_cut = false;
	if (!p)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a pickle");
	p->bytes = bytes;
	p->file_off = file_off;
	p->max_values = limit_of(limits ? limits->max_values : 0, HEFT_PICKLE_VALUES_MAX);
	heft_buffer_init(&p->text);
	heft_sip_seed_init(&p->seed, p);
	m.p = p;
	heft_cursor_init(&m.c, bytes, size < max_size ? size : (size_t)max_size, file_off);
	st = run(&m);
	heft_free(m.stack);
	heft_free(m.marks);
	heft_free(m.memo);
	if (is_cut)
		*is_cut = m.is_cut;
	if (st != HEFT_OK) {
		heft_pickle_free(p);
		return st;
	}
	*n_used = m.c.pos;
	*out = p;
	return HEFT_OK;
}
