/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_bytes.h - pickles in literals, and what they are to become.
 *
 *	struct heft_pickle *p = PARSE("K\x07.");
 *
 *	heft_pickle_free(p);
 *	REFUSE("K.", HEFT_E_CORRUPT, 2);
 */
#ifndef HEFT_PICKLE_BYTES_H
#define HEFT_PICKLE_BYTES_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "format/pickle.h"

#define FILE_OFF 1000 /* where the pickles begin, for messages */

static struct heft_error err;

static inline enum heft_status parse_limited(const char *bytes, size_t size,
                                             const struct heft_pickle_limits *limits,
                                             struct heft_pickle **p)
{
	uint8_t *copy = malloc(size + 1); /* of the very size, for the sanitizers */
	enum heft_status st;
	size_t n_used = 0;
	bool is_cut;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, size);
	copy = realloc(copy, size > 0 ? size : 1);
	*p = NULL;
	st = heft_pickle_parse(copy, size, FILE_OFF, limits, p, &n_used, &is_cut, &err);
	if (st != HEFT_OK) {
		ck_assert_int_eq(err.code, st);
		free(copy);
		return st;
	}
	ck_assert_uint_eq(n_used, size);
	heft_pickle_free(*p);
	free(copy);
	/* the test's own bytes live on */
	return heft_pickle_parse((const uint8_t *)bytes, size, FILE_OFF, limits, p, &n_used,
	                         &is_cut, &err);
}

static inline enum heft_status parse(const char *bytes, size_t size, struct heft_pickle **p)
{
	return parse_limited(bytes, size, NULL, p);
}

#define PARSE(literal) parse_ok(literal, sizeof(literal) - 1)

static struct heft_pickle *parse_ok(const char *bytes, size_t size)
{
	struct heft_pickle *p;

	ck_assert_msg(parse(bytes, size, &p) == HEFT_OK, "%s", err.msg);
	return p;
}

#define REFUSE(literal, status, at) refuse(literal, sizeof(literal) - 1, status, at)

static inline void refuse(const char *bytes, size_t size, enum heft_status status, uint64_t at)
{
	struct heft_pickle *p;

	ck_assert_msg(parse(bytes, size, &p) == status, "%s", err.msg);
	ck_assert_uint_eq(err.offset, FILE_OFF + at);
	ck_assert_ptr_null(p);
}

static inline void assert_text(const struct heft_pickle *p, heft_pickle_ref v,
                               enum heft_pickle_kind kind, const char *bytes, size_t n)
{
	const uint8_t *got;
	size_t size;

	ck_assert_int_eq(heft_pickle_kind(p, v), kind);
	got = heft_pickle_bytes(p, v, &size);
	ck_assert_uint_eq(size, n);
	ck_assert_mem_eq(got, bytes, n);
}

#define ASSERT_BYTES(literal, kind, bytes)                                               \
	do {                                                                             \
		struct heft_pickle *one = PARSE(literal);                                \
		assert_text(one, heft_pickle_root(one), kind, bytes, sizeof(bytes) - 1); \
		heft_pickle_free(one);                                                   \
	} while (0)

static inline void assert_int(const char *bytes, size_t size, int64_t v)
{
	struct heft_pickle *p = parse_ok(bytes, size);

	ck_assert_int_eq(heft_pickle_kind(p, heft_pickle_root(p)), HEFT_PICKLE_INT);
	ck_assert_int_eq(heft_pickle_int(p, heft_pickle_root(p)), v);
	heft_pickle_free(p);
}

#define ASSERT_INT(literal, v) assert_int(literal, sizeof(literal) - 1, v)

static inline void assert_pair(const struct heft_pickle *p, heft_pickle_ref dict, uint32_t i,
                               int64_t v)
{
	heft_pickle_ref key;
	heft_pickle_ref value;

	heft_pickle_pair(p, dict, i, &key, &value);
	ck_assert_int_eq(heft_pickle_int(p, value), v);
}

#endif
