/* SPDX-License-Identifier: Apache-2.0 */
/* npy_type.c - the types of NumPy's headers as dtypes: spec/foreign/npy.md, section 4. */
#include <string.h>

#include "base/error.h"
#include "format/npy_header.h"
#include "tensor/order.h"

#define QUOTED 40 /* bytes of a type in a message */

static const struct {
	const char *name;
	enum heft_dtype dtype;
} plain_types[] = {
	{ "f4", HEFT_DTYPE_F32 },  { "f8", HEFT_DTYPE_F64 },   { "f2", HEFT_DTYPE_F16 },
	{ "i8", HEFT_DTYPE_I64 },  { "i4", HEFT_DTYPE_I32 },   { "u1", HEFT_DTYPE_U8 },
	{ "b1", HEFT_DTYPE_BOOL }, { "i1", HEFT_DTYPE_I8 },    { "i2", HEFT_DTYPE_I16 },
	{ "u2", HEFT_DTYPE_U16 },  { "u4", HEFT_DTYPE_U32 },   { "u8", HEFT_DTYPE_U64 },
	{ "c8", HEFT_DTYPE_C64 },  { "c16", HEFT_DTYPE_C128 },
};

/* Numbers of the machine that wrote them, which no dtype here stands for. */
static const struct {
	const char *name;
	uint64_t size;
} opaque_types[] = { { "f16", 16 }, { "f12", 12 }, { "c32", 32 }, { "c24", 24 } };

/* A type as the header spells it, without its byte order. */
struct spelled {
	const char *text;
	size_t size;
	char order; /* of "<>|="; 0: none is given */
};

static bool is(const struct spelled *s, const char *name)
{
	return s->size == strlen(name) && memcmp(s->text, name, s->size) == 0;
}

/* The digits behind the kind, none of which are 0; false when something else follows, or they are
 * 2^31 or more. */
static bool read_size(const struct spelled *s, uint64_t *size)
{
	uint64_t n = 0;

	if (s->size > 2 && s->text[1] == '0')
		return false;
	for (size_t i = 1; i < s->size; i++) {
		if (s->text[i] < '0' || s->text[i] > '9' || n > INT32_MAX)
			return false;
		n = n * 10 + (uint64_t)(s->text[i] - '0');
	}
	*size = n;
	return n <= INT32_MAX;
}

/* NumPy's S, U and V. */
static bool find_sized(const struct spelled *s, struct heft_npy_type *t)
{
	uint64_t size;

	if (s->size == 0 || !strchr("SUV", s->text[0]) || !read_size(s, &size))
		return false;
	t->dtype = s->text[0] == 'S'   ? HEFT_DTYPE_STR
	           : s->text[0] == 'U' ? HEFT_DTYPE_UCS4
	                               : HEFT_DTYPE_VOID;
	t->size = s->text[0] == 'U' ? 4 * size : size;
	t->is_void = s->text[0] == 'V';
	return true;
}

/* "M8[ns]", "m8[25s]", "M8" */
static bool is_time(const struct spelled *s)
{
	if (s->size < 2 || (s->text[0] != 'M' && s->text[0] != 'm') || s->text[1] != '8')
		return false;
	return s->size == 2 || (s->size > 4 && s->text[2] == '[' && s->text[s->size - 1] == ']');
}

/* By what the text says alone; t->dtype stays NONE, and t->size 0, for an unknown one. */
static void find_type(const struct spelled *s, struct heft_npy_type *t)
{
	for (size_t i = 0; i < sizeof plain_types / sizeof *plain_types; i++) {
		if (is(s, plain_types[i].name)) {
			t->dtype = plain_types[i].dtype;
			t->size = heft_dtype_describe(t->dtype)->n_bytes;
			return;
		}
	}
	if (find_sized(s, t))
		return;
	if (is_time(s)) {
		t->dtype = HEFT_DTYPE_VOID;
		t->size = 8;
		return;
	}
	for (size_t i = 0; i < sizeof opaque_types / sizeof *opaque_types; i++) {
		if (is(s, opaque_types[i].name)) {
			t->dtype = HEFT_DTYPE_VOID;
			t->size = opaque_types[i].size;
		}
	}
}

static const struct heft_assume *find_assume(const struct spelled *s,
                                             const struct heft_npy_options *options)
{
	for (uint32_t i = 0; i < options->n_assumes; i++) {
		if (is(s, options->assumes[i].foreign))
			return &options->assumes[i];
	}
	return NULL;
}

/* N4-6 */
static enum heft_status assume(const struct heft_assume *a, struct heft_npy_type *t,
                               struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(a->dtype);

	if (!info || info->is_block || info->n_elements != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'%.*s' cannot be taken for %s, whose elements are no whole bytes",
		                 QUOTED, a->foreign, heft_dtype_name(a->dtype));
	if (t->dtype != HEFT_DTYPE_NONE && t->size != info->n_bytes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'%.*s' has %llu bytes and cannot be taken for %s, which has %u",
		                 QUOTED, a->foreign, (unsigned long long)t->size, info->name,
		                 (unsigned)info->n_bytes);
	t->dtype = a->dtype;
	t->size = info->n_bytes;
	return HEFT_OK;
}

static bool is_object(const struct spelled *s)
{
	uint64_t size;

	return s->size > 0 && s->text[0] == 'O' && read_size(s, &size);
}

enum heft_status heft_npy_type(const char *text, size_t size,
                               const struct heft_npy_options *options, struct heft_npy_type *out,
                               struct heft_error *err)
{
	struct spelled s = { text, size, 0 };
	struct heft_npy_type t = { .dtype = HEFT_DTYPE_NONE };
	const struct heft_assume *a;

	if (size > 0 && text[0] != '\0' && strchr("<>|=", text[0]))
		s = (struct spelled){ text + 1, size - 1, text[0] };
	if (is_object(&s)) /* N4-5 */
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "it holds Python objects, and loading those would run code");
	find_type(&s, &t);
	a = find_assume(&s, options);
	if (a)
		HEFT_TRY(assume(a, &t, err));
	if (t.dtype == HEFT_DTYPE_NONE)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "type '%.*s' is not known: --assume %.*s=DTYPE says what it is",
		                 s.size < QUOTED ? (int)s.size : QUOTED, s.text,
		                 s.size < QUOTED ? (int)s.size : QUOTED, s.text);
	/* NumPy gives no byte order to V. */
	t.swap = s.order == '>' && !t.is_void ? heft_swap_size(t.dtype) : 1;
	*out = t;
	return HEFT_OK;
}
