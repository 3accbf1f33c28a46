/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_match.c - compares what is to be written with the graph that it is to be written with. */
#include "format/onnx_match.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/wire.h"
#include "format/members.h"
#include "onnx/fields.h"

#define QUOTED 80 /* bytes of a name in a message */
#define SHAPE 40  /* bytes of a shape in a message */
#define NO_GRAPH "--no-graph leaves the graph out"

/* --- tensors --- */

/* "[2,3]", cut where it is long. */
static void write_shape(const struct heft_listing *l, uint32_t i, char *text)
{
	const uint64_t *dims = heft_listing_dims(l, i);
	size_t n = 1;

	text[0] = '[';
	for (uint32_t d = 0; d < heft_listing_row(l, i)->rank; d++) {
		char one[24];
		const int size = snprintf(one, sizeof one, d > 0 ? ",%llu" : "%llu",
		                          (unsigned long long)dims[d]);

		if (n + (size_t)size + sizeof ",...]" > SHAPE) {
			memcpy(text + n, ",...", 4);
			n += 4;
			break;
		}
		memcpy(text + n, one, (size_t)size);
		n += (size_t)size;
	}
	memcpy(text + n, "]", 2);
}

static enum heft_status compare_one(const struct heft_listing *weights, uint32_t w,
                                    const struct heft_listing *tensors, uint32_t t,
                                    struct heft_error *err)
{
	const struct heft_listed *weight = heft_listing_row(weights, w);
	const struct heft_listed *row = heft_listing_row(tensors, t);
	char wanted[SHAPE];
	char given[SHAPE];

	if (weight->dtype != row->dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.*s' is %s, and %s in the graph: " NO_GRAPH, QUOTED,
		                 heft_listing_name(tensors, t),
		                 heft_dtype_name((enum heft_dtype)row->dtype),
		                 heft_dtype_name((enum heft_dtype)weight->dtype));
	if (weight->rank == row->rank &&
	    memcmp(heft_listing_dims(weights, w), heft_listing_dims(tensors, t),
	           row->rank * sizeof(uint64_t)) == 0)
		return HEFT_OK;
	write_shape(tensors, t, given);
	write_shape(weights, w, wanted);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "tensor '%.*s' has the shape %s, and %s in the graph: " NO_GRAPH, QUOTED,
	                 heft_listing_name(tensors, t), given, wanted);
}

static bool find_in(const struct heft_listing *in, const struct heft_listing *l, uint32_t i,
                    uint32_t *found)
{
	const struct heft_listed *row = heft_listing_row(l, i);

	return heft_listing_find(in, row->space, heft_listing_name(l, i), row->name_size, found);
}

/* There is one that the graph has not: more of them, or others. */
static enum heft_status refuse_surplus(const struct heft_listing *weights,
                                       const struct heft_listing *tensors, struct heft_error *err)
{
	uint32_t i = 0;
	uint32_t found;

	while (i + 1 < heft_listing_n(tensors) && find_in(weights, tensors, i, &found))
		i++;
	return heft_fail(
		err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		"tensor '%.*s' has no place in the graph: --exclude leaves it out, " NO_GRAPH,
		QUOTED, heft_listing_name(tensors, i));
}

enum heft_status heft_onnx_match(const struct heft_listing *weights,
                                 const struct heft_listing *tensors, uint32_t *tensor_of,
                                 struct heft_error *err)
{
	const uint32_t n = heft_listing_n(weights);

	for (uint32_t i = 0; i < n; i++) {
		if (!find_in(tensors, weights, i, &tensor_of[i]))
			return heft_fail(
				err, HEFT_E_USAGE, HEFT_NO_OFFSET,
				"no tensor is called '%.*s', which the graph has: " NO_GRAPH,
				QUOTED, heft_listing_name(weights, i));
		HEFT_TRY(compare_one(weights, i, tensors, tensor_of[i], err));
	}
	return n == heft_listing_n(tensors) ? HEFT_OK : refuse_surplus(weights, tensors, err);
}

/* --- metadata --- */

static void add_props(struct heft_buffer *b, const struct heft_members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct heft_member *member = &m->members[i];

		heft_wire_add_tag(b, HEFT_MODEL_METADATA_PROPS, HEFT_WIRE_BYTES);
		heft_wire_add_varint(b, 2 + heft_wire_varint_size(member->key_size) +
		                                member->key_size +
		                                heft_wire_varint_size(member->value_size) +
		                                member->value_size);
		heft_wire_add_bytes(b, HEFT_ENTRY_KEY, member->key, member->key_size);
		heft_wire_add_bytes(b, HEFT_ENTRY_VALUE, member->value, member->value_size);
	}
}

/* Both are sorted. */
static bool is_same(const struct heft_members *a, const struct heft_members *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct heft_member *x = &a->members[i];
		const struct heft_member *y = &b->members[i];

		if (x->key_size != y->key_size || x->value_size != y->value_size ||
		    memcmp(x->key, y->key, x->key_size) != 0 ||
		    memcmp(x->value, y->value, x->value_size) != 0)
			return false;
	}
	return true;
}

static enum heft_status compare_metadata(struct heft_members *m, const char *of_graph,
                                         bool *differs, struct heft_error *err)
{
	struct heft_members theirs;
	enum heft_status st = heft_members_read(&theirs, of_graph, "ONNX", err);

	if (st == HEFT_OK) {
		heft_members_sort(m);
		heft_members_sort(&theirs);
		*differs = !is_same(m, &theirs);
	}
	heft_members_done(&theirs);
	return st;
}

enum heft_status heft_onnx_props(const char *metadata, const char *of_graph,
                                 struct heft_buffer *props, bool *differs, struct heft_error *err)
{
	struct heft_members m;
	enum heft_status st = heft_members_read(&m, metadata, "ONNX", err);

	if (st == HEFT_OK) {
		add_props(props, &m);
		st = compare_metadata(&m, of_graph, differs, err);
	}
	heft_members_done(&m);
	if (st == HEFT_OK && !props->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	return st;
}
