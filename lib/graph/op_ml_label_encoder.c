/* SPDX-License-Identifier: Apache-2.0 */
/* op_ml_label_encoder.c - LabelEncoder of ai.onnx.ml: each element by a table of keys and values.
 * Any NaN is the same key, and so are both zeros. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"
#include "graph/spans.h"

/* A list of numbers or strings, from an attribute of any kind that has them. */
struct list {
	enum heft_dtype dtype; /* NONE: there is none */
	uint64_t n;
	const void *numbers;
	const char *const *texts;     /* of attributes */
	const struct heft_text *held; /* of tensors */
};

/* An element in a form that can be compared. */
struct key {
	struct heft_text text;
	uint64_t bits;
	uint64_t place; /* the first of equal ones counts */
};

static bool is_integer(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_I64 || dtype == HEFT_DTYPE_I32 || dtype == HEFT_DTYPE_I16;
}

static struct heft_text text_at(const struct list *l, uint64_t i)
{
	return l->held ? l->held[i] : heft_text_of(l->texts[i]);
}

static struct key key_at(const struct list *l, uint64_t i)
{
	struct key key = { .place = i };
	float f;
	double d;

	if (l->dtype == HEFT_KIND_TEXTS) {
		key.text = text_at(l, i);
		return key;
	}
	if (l->dtype == HEFT_DTYPE_F32) {
		f = ((const float *)l->numbers)[i];
		d = (double)f;
	} else if (l->dtype == HEFT_DTYPE_F64) {
		d = ((const double *)l->numbers)[i];
	} else {
		key.bits = (uint64_t)heft_load_integer(l->dtype,
		                                       (const uint8_t *)l->numbers +
		                                               i * heft_element_size(l->dtype));
		return key;
	}
	if (d == 0)
		d = 0;
	memcpy(&key.bits, &d, sizeof key.bits);
	if (d != d)
		key.bits = UINT64_MAX;
	return key;
}

static int compare_values(const struct key *a, const struct key *b)
{
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return heft_text_compare(&a->text, &b->text);
}

static int compare(const void *x, const void *y)
{
	const struct key *a = x;
	const struct key *b = y;
	const int order = compare_values(a, b);

	return order != 0 ? order : a->place < b->place ? -1 : a->place > b->place;
}

/* --- attributes --- */

static struct list of_array(const struct heft_array *a)
{
	struct list l = { .dtype = a->dtype, .n = a->n_elements, .numbers = a->bytes };

	if (a->dtype == HEFT_KIND_TEXTS)
		l.held = a->bytes;
	return l;
}

/* `prefix` with one of the endings that say what is in the list. */
static enum heft_status find_list(const struct heft_call *c, const char *prefix, struct list *l,
                                  struct heft_error *err)
{
	const struct heft_attr *a = NULL;

	*l = (struct list){ .dtype = HEFT_DTYPE_NONE };
	for (uint32_t i = 0; i < c->attrs.n && !a; i++) {
		const char *name = c->attrs.rows[i].name;

		if (strncmp(name, prefix, strlen(prefix)) == 0)
			a = &c->attrs.rows[i];
	}
	if (!a)
		return HEFT_OK;
	if (a->kind == HEFT_ATTR_TENSOR)
		*l = of_array(a->tensor);
	else if (a->kind == HEFT_ATTR_FLOATS)
		*l = (struct list){ .dtype = HEFT_DTYPE_F32, .n = a->n, .numbers = a->floats };
	else if (a->kind == HEFT_ATTR_INTS)
		*l = (struct list){ .dtype = HEFT_DTYPE_I64, .n = a->n, .numbers = a->ints };
	else if (a->kind == HEFT_ATTR_TEXTS)
		*l = (struct list){ .dtype = HEFT_KIND_TEXTS, .n = a->n, .texts = a->texts };
	if (l->dtype == HEFT_DTYPE_F32 || l->dtype == HEFT_DTYPE_F64 || is_integer(l->dtype) ||
	    l->dtype == HEFT_KIND_TEXTS)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
	                 "attribute '%.60s' is of a kind that is not computed", a->name);
}

struct encoder {
	struct list keys;
	struct list values;
	/* What an element without a key becomes: an element of this list, or by the dtype. */
	struct list absent;
	struct heft_text text;
	int64_t i;
	float f;
};

static enum heft_status read_attrs(const struct heft_call *c, struct encoder *e,
                                   struct heft_error *err)
{
	const struct heft_attr *absent = heft_call_attr(c, "default_tensor");

	HEFT_TRY(find_list(c, "keys_", &e->keys, err));
	HEFT_TRY(find_list(c, "values_", &e->values, err));
	e->text = heft_text_of(heft_call_text(c, "default_string", "_Unused"));
	e->i = heft_call_int(c, "default_int64", -1);
	e->f = heft_call_float(c, "default_float", -0.0F);
	if (absent) {
		HEFT_TRY(find_list(c, "default_tensor", &e->absent, err));
		if (e->absent.dtype != e->values.dtype || e->absent.n != 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "default_tensor is not one of its values");
	}
	if (e->keys.dtype != HEFT_DTYPE_NONE && e->keys.n == e->values.n)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "it has %llu keys and %llu values",
	                 (unsigned long long)e->keys.n, (unsigned long long)e->values.n);
}

/* Of opset 1: a string becomes its place among the classes, or a place the string. */
static enum heft_status read_classes(const struct heft_call *c, struct heft_memory *memory,
                                     struct encoder *e, struct heft_error *err)
{
	struct list classes;
	struct list places = { .dtype = HEFT_DTYPE_I64 };
	int64_t *numbers;
	void *bytes;

	HEFT_TRY(find_list(c, "classes_strings", &classes, err));
	HEFT_TRY(heft_memory_take(memory, (classes.n + 1) * sizeof *numbers, &bytes, err));
	numbers = bytes;
	for (uint64_t i = 0; i < classes.n; i++)
		numbers[i] = (int64_t)i;
	places.n = classes.n;
	places.numbers = numbers;
	e->text = heft_text_of(heft_call_text(c, "default_string", "_Unused"));
	e->i = heft_call_int(c, "default_int64", -1);
	e->keys = c->in[0].dtype == HEFT_KIND_TEXTS ? classes : places;
	e->values = c->in[0].dtype == HEFT_KIND_TEXTS ? places : classes;
	return HEFT_OK;
}

/* --- the table --- */

static void put(const struct encoder *e, const struct list *from, uint64_t i, void *to)
{
	const uint64_t size = heft_element_size(e->values.dtype);
	const double d = (double)e->f;

	if (e->values.dtype == HEFT_KIND_TEXTS)
		*(struct heft_text *)to = from ? text_at(from, i) : e->text;
	else if (from)
		memcpy(to, (const uint8_t *)from->numbers + i * size, (size_t)size);
	else if (is_integer(e->values.dtype))
		memcpy(to, &e->i, (size_t)size); /* the low bytes come first */
	else if (e->values.dtype == HEFT_DTYPE_F32)
		memcpy(to, &e->f, sizeof e->f);
	else
		memcpy(to, &d, sizeof d);
}

static uint64_t find(const struct key *keys, uint64_t n, const struct key *key)
{
	uint64_t low = 0;

	while (low < n) {
		const uint64_t middle = low + (n - low) / 2;

		if (compare_values(&keys[middle], key) < 0)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

static enum heft_status encode(struct heft_call *c, const struct encoder *e,
                               struct heft_memory *memory, struct heft_error *err)
{
	const struct list x = of_array(&c->in[0]);
	const uint64_t size = e->values.dtype == HEFT_KIND_TEXTS
	                              ? sizeof(struct heft_text)
	                              : heft_element_size(e->values.dtype);
	struct heft_array *y = &c->out[0];
	struct key *keys;
	void *bytes;

	HEFT_TRY(heft_array_set(y, e->values.dtype, c->in[0].rank, c->in[0].dims, err));
	if (y->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(memory, y->n_bytes, &y->bytes, err));
	HEFT_TRY(heft_memory_take(memory, (e->keys.n + 1) * sizeof *keys, &bytes, err));
	keys = bytes;
	for (uint64_t i = 0; i < e->keys.n; i++)
		keys[i] = key_at(&e->keys, i);
	qsort(keys, (size_t)e->keys.n, sizeof *keys, compare);
	for (uint64_t i = 0; i < x.n; i++) {
		const struct key key = key_at(&x, i);
		const uint64_t at = find(keys, e->keys.n, &key);
		uint8_t *to = (uint8_t *)y->bytes + i * size;

		if (at < e->keys.n && compare_values(&keys[at], &key) == 0)
			put(e, &e->values, keys[at].place, to);
		else
			put(e, e->absent.n == 1 ? &e->absent : NULL, 0, to);
	}
	return HEFT_OK;
}

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	struct encoder e = { .i = 0 };

	HEFT_TRY(c->opset < 2 ? read_classes(c, memory, &e, err) : read_attrs(c, &e, err));
	if (c->in[0].dtype != e.keys.dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 0 is %s, and its keys are %s",
		                 heft_kind_name(c->in[0].dtype), heft_kind_name(e.keys.dtype));
	return encode(c, &e, memory, err);
}

const struct heft_op heft_op_ml_label_encoder = {
	.name = "LabelEncoder",
	.domain = "ai.onnx.ml",
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
