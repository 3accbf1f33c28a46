/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds_made.h - models whose values are sequences and strings, run, and their outputs as text.
 *
 *	struct import_made m = import_start(17);
 *
 *	kinds_ints(&m.graph, "i", "0,2");
 *	kinds_node(&m.graph, "s = SplitToSequence i", "axis", (int64_t)0, NULL);
 *	graph_add_names(&m.graph, 12, "s");
 *	kinds_check(&m, NULL, "s = <[0] [2]>");
 *
 * Numbers stand as "[1 2; 3 4]", strings as "['a' 'b']", sequences between "<" and ">", and an
 * empty optional value as "nothing".
 */
#ifndef HEFT_TEST_KINDS_MADE_H
#define HEFT_TEST_KINDS_MADE_H

#include <stdarg.h>

#include "graph/kinds.h"
#include "import_made.h"

/* --- models --- */

/* A node, and integer attributes: names and int64_t, ends with NULL. */
static inline void kinds_node(struct heft_buffer *graph, const char *text, ...)
{
	struct heft_buffer n = import_node(text);
	const char *name;
	va_list ap;

	va_start(ap, text);
	while ((name = va_arg(ap, const char *)) != NULL)
		import_add_int(&n, name, va_arg(ap, int64_t));
	va_end(ap);
	made_message(graph, 1, &n);
}

/* A text attribute. */
static inline void kinds_text_attr(struct heft_buffer *node, const char *name, const char *text)
{
	struct heft_buffer a = import_attr(name, 3);

	made_text(&a, 4, text);
	made_message(node, 5, &a);
}

/* Lists as in "1,-2", and "a,b". */
static inline void kinds_ints_attr(struct heft_buffer *node, const char *name, const char *list)
{
	struct heft_buffer a = import_attr(name, 7);

	for (char *at = (char *)(uintptr_t)list; *at; at += *at == ',')
		made_uint(&a, 8, (uint64_t)strtoll(at, &at, 10));
	made_message(node, 5, &a);
}

static inline void kinds_texts_attr(struct heft_buffer *node, const char *name, const char *list)
{
	struct heft_buffer a = import_attr(name, 8);
	size_t n;

	for (const char *at = list; at; at = at[n] ? at + n + 1 : NULL) {
		n = strcspn(at, ",");
		made_bytes(&a, 9, at, n);
	}
	made_message(node, 5, &a);
}

static inline void kinds_ints(struct heft_buffer *graph, const char *name, const char *list)
{
	struct heft_buffer n = made_empty();

	made_text(&n, 2, name);
	made_text(&n, 4, "Constant");
	kinds_ints_attr(&n, "value_ints", list);
	made_message(graph, 1, &n);
}

static inline void kinds_int(struct heft_buffer *graph, const char *name, int64_t value)
{
	struct heft_buffer n = made_empty();

	made_text(&n, 2, name);
	made_text(&n, 4, "Constant");
	import_add_int(&n, "value_int", value);
	made_message(graph, 1, &n);
}

static inline void kinds_texts(struct heft_buffer *graph, const char *name, const char *list)
{
	struct heft_buffer n = made_empty();

	made_text(&n, 2, name);
	made_text(&n, 4, "Constant");
	kinds_texts_attr(&n, "value_strings", list);
	made_message(graph, 1, &n);
}

/* --- outputs as text --- */

static inline void kinds_put_element(struct heft_buffer *to, const struct heft_array *a, uint64_t i)
{
	if (a->dtype == HEFT_KIND_TEXTS) {
		const struct heft_text *t = (const struct heft_text *)a->bytes + i;

		heft_buffer_addf(to, "'");
		if (t->n_bytes > 0)
			heft_buffer_add(to, t->bytes, t->n_bytes);
		heft_buffer_addf(to, "'");
	} else if (a->dtype == HEFT_DTYPE_F32) {
		heft_buffer_addf(to, "%g", (double)((const float *)a->bytes)[i]);
	} else if (a->dtype == HEFT_DTYPE_BOOL) {
		heft_buffer_addf(to, "%s", ((const uint8_t *)a->bytes)[i] ? "true" : "false");
	} else {
		ck_assert_int_eq(a->dtype, HEFT_DTYPE_I64);
		heft_buffer_addf(to, "%lld", (long long)((const int64_t *)a->bytes)[i]);
	}
}

static inline void kinds_put(struct heft_buffer *to, const struct heft_array *a)
{
	const struct heft_sequence *s = heft_sequence_of(a);
	const uint64_t row = a->rank > 1 ? a->dims[a->rank - 1] : UINT64_MAX;

	if (a->dtype == HEFT_KIND_NOTHING) {
		heft_buffer_addf(to, "nothing");
		return;
	}
	if (a->dtype == HEFT_KIND_SEQUENCE) {
		heft_buffer_addf(to, "<");
		for (uint64_t i = 0; i < s->n; i++) {
			heft_buffer_addf(to, "%s", i > 0 ? " " : "");
			kinds_put(to, &s->items[i]);
		}
		heft_buffer_addf(to, ">");
		return;
	}
	heft_buffer_addf(to, "%s", a->rank > 0 ? "[" : "");
	for (uint64_t i = 0; i < a->n_elements; i++) {
		heft_buffer_addf(to, "%s", i == 0 ? "" : i % row == 0 ? "; " : " ");
		kinds_put_element(to, a, i);
	}
	heft_buffer_addf(to, "%s", a->rank > 0 ? "]" : "");
}

static inline char *kinds_outputs(const struct heft_value *outputs, uint32_t n)
{
	struct heft_buffer text = made_empty();
	size_t size;

	for (uint32_t i = 0; i < n; i++) {
		struct heft_array a = { 0 };

		ck_assert_int_eq(heft_array_set(&a, outputs[i].dtype, outputs[i].rank,
		                                outputs[i].dims, NULL),
		                 HEFT_OK);
		ck_assert_uint_eq(a.n_bytes, outputs[i].n_bytes);
		a.bytes = (void *)(uintptr_t)outputs[i].bytes;
		heft_buffer_addf(&text, "%s%s = ", i > 0 ? ", " : "", outputs[i].name);
		kinds_put(&text, &a);
	}
	ck_assert(text.ok);
	return (char *)heft_buffer_take(&text, &size);
}

/* Runs the model, twice in one session, with one input or none. Takes it. */
static inline void kinds_check(struct import_made *m, const struct heft_value *input,
                               const char *expect)
{
	const struct heft_session_options one = { .n_threads = 1 };
	struct imported im = import_whole(m, NULL);
	struct heft_session *session;
	const struct heft_value *outputs;
	struct heft_error err;
	uint32_t n;

	ck_assert_int_eq(heft_session_new(im.model, &one, &session, &err), HEFT_OK);
	for (int i = 0; i < 2; i++) {
		char *text;

		ck_assert_msg(heft_session_run(session, input, input != NULL, &outputs, &n, &err) ==
		                      HEFT_OK,
		              "%s", err.msg);
		text = kinds_outputs(outputs, n);
		ck_assert_str_eq(text, expect);
		heft_free(text);
	}
	heft_session_free(session);
	import_done(&im);
}

/* What a run fails with. Takes the model. */
static inline void kinds_refused(struct import_made *m, const struct heft_value *input,
                                 enum heft_status st, const char *message)
{
	const struct heft_session_options one = { .n_threads = 1 };
	struct imported im = import_whole(m, NULL);
	struct heft_session *session;
	const struct heft_value *outputs;
	struct heft_error err;
	uint32_t n;

	ck_assert_int_eq(heft_session_new(im.model, &one, &session, &err), HEFT_OK);
	ck_assert_int_eq(heft_session_run(session, input, input != NULL, &outputs, &n, &err), st);
	ck_assert_str_eq(err.msg, message);
	heft_session_free(session);
	import_done(&im);
}

#endif
