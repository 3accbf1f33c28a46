/* SPDX-License-Identifier: Apache-2.0 */
/* torch_values.h - pickles of PyTorch's values, written in protocol 0, whose opcodes are letters,
 * and what heft_torch_collect makes of them. */
#ifndef HEFT_TORCH_VALUES_H
#define HEFT_TORCH_VALUES_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "container/meta.h"
#include "format/shared.h"
#include "format/torch.h"
#include "unit.h"

#define N_ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

/* --- opcodes --- */

#define TEXT(s) "V" s "\n"
#define INT(n) "I" n "\n"
#define FLOAT(x) "F" x "\n"
#define NO "I00\n"
#define YES "I01\n"
#define NONE "N"
#define GLOBAL(module, name) "c" module "\n" name "\n"
#define TUPLE(items) "(" items "t"
#define LIST(items) "(l(" items "e"
#define DICT(pairs) "}(" pairs "u"
#define CALL(module, name, arguments) GLOBAL(module, name) TUPLE(arguments) "R"
#define SET(items) CALL("builtins", "set", LIST(items))
#define HOOKS GLOBAL("collections", "OrderedDict") ")R"
#define OBJECT(module, name, state) GLOBAL(module, name) ")\201" state "b"
#define PUT(n) "p" n "\n"
#define GET(n) "g" n "\n"

#define STORAGE(type, key, n) \
	TUPLE(TEXT("storage") GLOBAL("torch", type "Storage") TEXT(key) TEXT("cpu") INT(n)) "Q"
#define REBUILD(name, storage, offset, size, stride, more) \
	CALL("torch._utils", name, storage INT(offset) TUPLE(size) TUPLE(stride) more)
#define VIEW(storage, offset, size, stride) \
	REBUILD("_rebuild_tensor_v2", storage, offset, size, stride, NO HOOKS)
/* A vector of two numbers in a storage of its own. */
#define VECTOR(key) VIEW(STORAGE("Float", key, "2"), "0", INT("2"), INT("1"))
#define MODULE_OF(name, parameters, buffers, modules, more)                                    \
	OBJECT("torch.nn", name,                                                               \
	       DICT(TEXT("training") YES TEXT("_parameters") DICT(parameters) TEXT("_buffers") \
	                    DICT(buffers) TEXT("_backward_hooks") HOOKS TEXT("_modules")       \
	                            DICT(modules) more))

#define F6 STORAGE("Float", "0", "6")
#define SPARSE(layout, parts)                          \
	CALL("torch._utils", "_rebuild_sparse_tensor", \
	     CALL("torch.serialization", "_get_layout", TEXT("torch." layout)) TUPLE(parts))
#define SIZE CALL("torch", "Size", TUPLE(INT("4") INT("5")))
/* A root with one value. */
#define ONE(value) DICT(TEXT("w") value) "."

/* --- reading --- */

static inline struct heft_pickle *parse(const char *text)
{
	struct heft_pickle *p;
	struct heft_error err;
	size_t n_used;

	ck_assert_msg(heft_pickle_parse((const uint8_t *)text, strlen(text), 0, NULL, &p, &n_used,
	                                NULL, &err) == HEFT_OK,
	              "%s (at byte %llu)", err.msg, (unsigned long long)err.offset);
	return p;
}

static inline enum heft_status collect(const char *main, const char *constants,
                                       const struct heft_limits *limits, struct heft_torch_model *m,
                                       struct heft_error *err)
{
	const struct heft_limits usual = heft_format_limits(NULL);
	struct heft_pickle *p = parse(main);
	struct heft_pickle *c = constants ? parse(constants) : NULL;
	const enum heft_status st = heft_torch_collect(p, c, limits ? limits : &usual, m, err);

	heft_pickle_free(p);
	heft_pickle_free(c);
	return st;
}

static inline void add(char *text, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static inline void add(char *text, size_t size, const char *fmt, ...)
{
	const size_t n = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + n, size - n, fmt, args);
	va_end(args);
}

/* "name F32[2,3]", "optimizer:" before the name where it is in that space, "=name" behind a tie */
static inline void tell_tensor(const struct heft_torch_model *m, uint32_t i, char *text,
                               size_t size)
{
	const struct heft_listed *row = heft_listing_row(m->tensors, i);

	if (row->space != HEFT_SPACE_WEIGHTS)
		add(text, size, "%s:", heft_space_name((enum heft_space)row->space));
	add(text, size, "%s %s[", heft_listing_name(m->tensors, i),
	    heft_dtype_name((enum heft_dtype)row->dtype));
	for (uint32_t k = 0; k < row->rank; k++)
		add(text, size, "%s%llu", k > 0 ? "," : "",
		    (unsigned long long)heft_listing_dims(m->tensors, i)[k]);
	add(text, size, "]");
	if (row->tie != i)
		add(text, size, "=%s", heft_listing_name(m->tensors, row->tie));
}

static inline void tell(const struct heft_torch_model *m, char *text, size_t size)
{
	text[0] = '\0';
	for (uint32_t i = 0; i < heft_listing_n(m->tensors); i++) {
		if (i > 0)
			add(text, size, " ");
		tell_tensor(m, i, text, size);
	}
}

static inline void check(const char *main, const char *constants, const char *tensors,
                         const char *meta)
{
	struct heft_torch_model m;
	struct heft_error err;
	char told[4096];

	ck_assert_msg(collect(main, constants, NULL, &m, &err) == HEFT_OK, "%s: %s", tensors,
	              err.msg);
	tell(&m, told, sizeof told);
	ck_assert_str_eq(told, tensors);
	if (meta)
		ck_assert_str_eq(m.metadata, meta);
	ck_assert_int_eq(heft_meta_check(m.metadata, strlen(m.metadata), HEFT_E_CORRUPT, 0, &err),
	                 HEFT_OK);
	heft_torch_model_done(&m);
}

static inline void refuse(const char *main, enum heft_status status, const char *what)
{
	struct heft_torch_model m;
	struct heft_error err;

	ck_assert_int_eq(collect(main, NULL, NULL, &m, &err), status);
	ck_assert_msg(strstr(err.msg, what) != NULL, "'%s' does not say '%s'", err.msg, what);
	ck_assert_uint_lt(err.offset, strlen(main));
}

struct listed {
	const char *pickle;
	const char *tensors;
};

/* `n` times `open`, then `middle`, then n times `close`. */
static inline char *nest(size_t n, const char *open, const char *middle, const char *close)
{
	const size_t n_open = strlen(open);
	const size_t n_close = strlen(close);
	char *text = heft_alloc(n * (n_open + n_close) + strlen(middle) + 1);
	size_t at = 0;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < n; i++, at += n_open)
		memcpy(text + at, open, n_open);
	memcpy(text + at, middle, strlen(middle));
	at += strlen(middle);
	for (size_t i = 0; i < n; i++, at += n_close)
		memcpy(text + at, close, n_close);
	text[at] = '\0';
	return text;
}

static inline enum heft_status collect_nested(size_t n, const char *open, const char *middle,
                                              const char *close, struct heft_error *err)
{
	char *all = nest(n, open, middle, close);
	const size_t size = strlen(all);
	char *text = heft_alloc(size + 2);
	struct heft_torch_model m;
	enum heft_status st;

	memcpy(text, all, size);
	memcpy(text + size, ".", 2);
	st = collect(text, NULL, NULL, &m, err);
	if (st == HEFT_OK) {
		ck_assert_int_eq(heft_meta_check(m.metadata, strlen(m.metadata), HEFT_E_CORRUPT, 0,
		                                 err),
		                 HEFT_OK);
		heft_torch_model_done(&m);
	}
	heft_free(text);
	heft_free(all);
	return st;
}

#endif
