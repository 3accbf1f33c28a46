/* SPDX-License-Identifier: Apache-2.0 */
/* format/pickle_machine.h - the machine whose program a pickle is: a stack of values with marks in
 * it, and a memo. */
#ifndef FORMAT_PICKLE_MACHINE_H
#define FORMAT_PICKLE_MACHINE_H

#include "base/cursor.h"
#include "format/pickle_values.h"

struct heft_pickle_machine {
	struct heft_pickle *p;
	struct heft_cursor c; /* over no more than the limit allows */
	size_t size;          /* of what there is */
	uint32_t at;          /* of the opcode, in the pickle */
	heft_pickle_ref *stack;
	uint32_t *marks;       /* how high the stack was at each */
	heft_pickle_ref *memo; /* NONE: nothing was put there */
	uint32_t n_stack;
	uint32_t n_marks;
	uint32_t n_memo;
	uint32_t n_put; /* entries of the memo that have a value */
	uint32_t stack_capacity;
	uint32_t marks_capacity;
	uint32_t memo_capacity;
	/* Items and bytes that were copied, as by dict(d): together no more than the pickle has
	 * bytes, lest a few opcodes that name one large value again and again fill the memory. */
	uint64_t n_copied;
	bool is_done;
	bool is_cut;
	struct heft_error *err;
};

/* pickle_parse.c */
enum heft_status heft_pickle_fail(struct heft_pickle_machine *m, enum heft_status code,
                                  const char *what);
/* n bytes behind the opcode. */
enum heft_status heft_pickle_take(struct heft_pickle_machine *m, uint64_t n, const uint8_t **bytes);
/* An unsigned number of 1 to 8 bytes. */
enum heft_status heft_pickle_take_number(struct heft_pickle_machine *m, size_t width, uint64_t *v);
/* The bytes up to a line feed, which is passed over. */
enum heft_status heft_pickle_take_line(struct heft_pickle_machine *m, const uint8_t **bytes,
                                       size_t *n);
enum heft_status heft_pickle_push(struct heft_pickle_machine *m, heft_pickle_ref v);
enum heft_status heft_pickle_pop(struct heft_pickle_machine *m, heft_pickle_ref *v);
/* The topmost value, which stays. */
enum heft_status heft_pickle_peek(struct heft_pickle_machine *m, heft_pickle_ref *v);
/* Makes a value and pushes it. */
enum heft_status heft_pickle_push_new(struct heft_pickle_machine *m, enum heft_pickle_kind kind,
                                      heft_pickle_ref *v);
/* Everything above the topmost mark, which goes: it lies in the stack until the next push. */
enum heft_status heft_pickle_pop_mark(struct heft_pickle_machine *m, const heft_pickle_ref **items,
                                      uint32_t *n);
/* Counts n more copies; LIMIT. */
enum heft_status heft_pickle_count_copies(struct heft_pickle_machine *m, uint64_t n);

/* pickle_constants.c */
enum heft_status heft_pickle_op_none(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_true(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_false(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_binint(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_binint1(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_binint2(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_binfloat(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_short_binstring(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_binstring(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_short_binunicode(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_binunicode(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_binunicode8(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_short_binbytes(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_binbytes(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_binbytes8(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_long1(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_long4(struct heft_pickle_machine *m);

/* pickle_containers.c */
enum heft_status heft_pickle_op_empty_list(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_empty_dict(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_empty_set(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_empty_tuple(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_tuple(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_tuple1(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_tuple2(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_tuple3(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_append(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_appends(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_additems(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_list(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_frozenset(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_setitem(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_setitems(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_dict(struct heft_pickle_machine *m);

/* pickle_text.c: the opcodes whose arguments are lines of text, and strings. */
enum heft_status heft_pickle_op_int(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_long(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_float(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_string(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_unicode(struct heft_pickle_machine *m);
/* TEXT of UTF-8 that may hold surrogates: refused when it is not; or Python 2's string, which is
 * BYTES then. */
enum heft_status heft_pickle_push_text(struct heft_pickle_machine *m, bool in_arena, size_t first,
                                       size_t n, bool may_be_bytes);
/* INT, or BIG where it needs more than 64 bits: n bytes, two's complement, little-endian. */
enum heft_status heft_pickle_push_number(struct heft_pickle_machine *m, bool in_arena, size_t first,
                                         size_t n);

/* pickle_call.c: the opcodes that name, call and build. */
enum heft_status heft_pickle_op_global(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_stack_global(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_inst(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_obj(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_reduce(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_newobj(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_newobj_ex(struct heft_pickle_machine *m);
enum heft_status heft_pickle_op_build(struct heft_pickle_machine *m);

/* pickle_make.c: takes what a callee of the list makes of its arguments, a TUPLE, and pushes it. */
enum heft_status heft_pickle_make(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                  heft_pickle_ref arguments);
enum heft_status heft_pickle_copy_pairs(struct heft_pickle_machine *m, heft_pickle_ref v,
                                        heft_pickle_ref from);
enum heft_status heft_pickle_make_object(struct heft_pickle_machine *m, heft_pickle_ref callee,
                                         heft_pickle_ref arguments, heft_pickle_ref *v);

#endif
