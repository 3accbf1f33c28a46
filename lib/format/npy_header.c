/* SPDX-License-Identifier: Apache-2.0 */
/* npy_header.c - what an array's header says: its elements, and where the bytes of each of its
 * tensors lie (spec/foreign/npy.md, sections 3 to 5). The types are gone through twice: first for
 * their sizes, then, with the shape known, for the tensors. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/utf8.h"
#include "format/npy_literal.h"
#include "tensor/dtype.h"

#define QUOTED 80     /* bytes of a name in a message */
#define MAX_DEPTH 16  /* of lists and tuples within `descr` */
#define MAX_SHAPES 18 /* around a tensor: the array's own and those within `descr` */
#define MAX_NUMBER (UINT64_C(1) << 63) /* elements and bytes stay below */

struct parser {
	struct heft_npy_literal literal;
	const struct heft_npy_input *in;
	const struct heft_npy_options *options;
	struct heft_listing *tensors;
	uint32_t n_before; /* tensors in the listing that are not of this array */
	struct heft_buffer fields;
	struct heft_buffer levels;
	uint64_t data_off;
	uint32_t array_rank;
	/* of what the types are read in: */
	size_t name_size;
	uint32_t rank;
	uint32_t n_shapes;
	struct heft_npy_level shapes[MAX_SHAPES];
	uint64_t dims[HEFT_MAX_RANK];
	char name[HEFT_MAX_NAME];
};

/* The header's three items. */
struct items {
	bool has_descr;
	bool has_order;
	bool has_shape;
	bool is_column_major;
	size_t descr_at;
	size_t shape_at;
	uint64_t item_size;
	uint32_t rank;
	uint64_t dims[HEFT_MAX_RANK];
};

/* What is wrong with the tensor whose name is in the parser. */
static enum heft_status fault(const struct parser *p, enum heft_status code, size_t at,
                              const char *what, struct heft_error *err)
{
	const struct heft_npy_literal *l = &p->literal;
	const int quoted = p->name_size < QUOTED ? (int)p->name_size : QUOTED;

	return heft_fail(err, code,
	                 code == HEFT_E_USAGE ? HEFT_NO_OFFSET
	                 : l->is_exact        ? l->off + at
	                                      : l->off,
	                 "array '%.*s': %s", quoted, p->name, what);
}

/* a * b, below 2^63. */
static enum heft_status multiply(const struct parser *p, size_t at, uint64_t a, uint64_t b,
                                 uint64_t *product, struct heft_error *err)
{
	uint64_t n;

	if (!heft_mul_u64(a, b, &n) || n >= MAX_NUMBER)
		return fault(p, HEFT_E_LIMIT, at, "it has 2^63 bytes or more", err);
	*product = n;
	return HEFT_OK;
}

static enum heft_status count_elements(const struct parser *p, size_t at, uint32_t rank,
                                       const uint64_t *dims, uint64_t *n, struct heft_error *err)
{
	if (!heft_dims_product(rank, dims, n))
		return fault(p, HEFT_E_LIMIT, at, "its shape has 2^63 elements or more", err);
	return HEFT_OK;
}

/* --- types: their sizes --- */

struct shape {
	uint32_t rank;
	uint64_t n_elements;
	uint64_t dims[HEFT_MAX_RANK];
};

/* A type within `descr`, and the shape of which it is the element. */
struct member {
	size_t type_at;
	size_t end;
	uint64_t type_size;
	uint64_t size;
	bool is_void;
	struct shape shape;
};

static enum heft_status measure(struct parser *p, unsigned depth, uint64_t *size, bool *is_void,
                                struct heft_error *err);
static enum heft_status read_field(struct parser *p, unsigned depth, const uint64_t *add_at,
                                   uint64_t *size, struct heft_error *err);

static enum heft_status read_shape(struct parser *p, struct shape *s, struct heft_error *err)
{
	const size_t at = p->literal.pos;

	HEFT_TRY(heft_npy_literal_shape(&p->literal, s->dims, &s->rank, err));
	return count_elements(p, at, s->rank, s->dims, &s->n_elements, err);
}

/* `type[, shape])`: the rest of a field, or with `needs_shape` of a type with a shape. */
static enum heft_status read_member(struct parser *p, unsigned depth, bool needs_shape,
                                    struct member *m, struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	bool has_comma;

	*m = (struct member){ .shape = { .n_elements = 1 } };
	heft_npy_literal_peek(l);
	m->type_at = l->pos;
	HEFT_TRY(measure(p, depth + 1, &m->type_size, &m->is_void, err));
	has_comma = heft_npy_literal_take(l, ',');
	if (needs_shape || (has_comma && heft_npy_literal_peek(l) != ')')) {
		HEFT_TRY(read_shape(p, &m->shape, err));
		heft_npy_literal_take(l, ',');
		m->is_void = true; /* NumPy takes it for that */
	}
	HEFT_TRY(heft_npy_literal_expect(l, ')', err));
	m->end = l->pos;
	return multiply(p, m->type_at, m->type_size, m->shape.n_elements, &m->size, err);
}

static enum heft_status read_leaf(struct parser *p, struct heft_npy_type *type,
                                  struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	const size_t at = l->pos;
	struct heft_error why;
	enum heft_status st;

	HEFT_TRY(heft_npy_literal_string(l, err));
	st = heft_npy_type(l->string, l->string_size, p->options, type, &why);
	return st == HEFT_OK ? HEFT_OK : fault(p, st, at, why.msg, err);
}

static enum heft_status measure_record(struct parser *p, unsigned depth, uint64_t *size,
                                       struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	uint64_t field_size;
	bool has_comma = true;

	*size = 0;
	HEFT_TRY(heft_npy_literal_expect(l, '[', err));
	while (!heft_npy_literal_take(l, ']')) {
		if (!has_comma)
			return heft_npy_literal_expect(l, ']', err);
		HEFT_TRY(read_field(p, depth, NULL, &field_size, err));
		*size += field_size; /* both are below 2^63 */
		if (*size >= MAX_NUMBER)
			return fault(p, HEFT_E_LIMIT, l->pos, "a record has 2^63 bytes or more",
			             err);
		has_comma = heft_npy_literal_take(l, ',');
	}
	return HEFT_OK;
}

/* Passes over a type. */
static enum heft_status measure(struct parser *p, unsigned depth, uint64_t *size, bool *is_void,
                                struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	struct heft_npy_type type;
	struct member m;

	*is_void = false;
	if (depth > MAX_DEPTH)
		return fault(p, HEFT_E_LIMIT, l->pos, "its records are nested deeper than 16", err);
	if (heft_npy_literal_peek(l) == '[')
		return measure_record(p, depth, size, err);
	if (heft_npy_literal_take(l, '(')) {
		HEFT_TRY(read_member(p, depth, true, &m, err));
		*size = m.size;
		return HEFT_OK;
	}
	HEFT_TRY(read_leaf(p, &type, err));
	*size = type.size;
	*is_void = type.is_void;
	return HEFT_OK;
}

/* --- types: the tensors --- */

static enum heft_status add_type(struct parser *p, unsigned depth, uint64_t off,
                                 struct heft_error *err);

/* All levels but those that go on where a run ends, which make it longer. */
static void add_layout(struct parser *p, const struct heft_npy_type *type, uint64_t off)
{
	struct heft_npy_field f = {
		.off = off,
		.run_size = type->size,
		.level_at = p->levels.size / sizeof(struct heft_npy_level),
		.swap = type->swap,
		.is_item = p->rank == p->array_rank && type->size == p->shapes[0].stride,
	};
	uint32_t n = p->n_shapes;

	while (n > 0 && (p->shapes[n - 1].count == 1 || p->shapes[n - 1].stride == f.run_size)) {
		n--;
		f.run_size *= p->shapes[n].count;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (p->shapes[i].count == 1)
			continue;
		heft_buffer_add(&p->levels, &p->shapes[i], sizeof p->shapes[i]);
		f.n_levels++;
	}
	heft_buffer_add(&p->fields, &f, sizeof f);
}

static enum heft_status check_limits(const struct parser *p, size_t at, uint64_t n_bytes,
                                     struct heft_error *err)
{
	const struct heft_limits *limits = &p->options->limits;
	const uint64_t n_before = heft_listing_n_bytes(p->tensors);
	uint32_t i;

	if (p->name_size > limits->max_name_size)
		return fault(p, HEFT_E_LIMIT, at, "its name is too long", err);
	if (memchr(p->name, 0, p->name_size))
		return fault(p, HEFT_E_UNSUPPORTED, at, "its name has a NUL inside", err);
	if (heft_listing_n(p->tensors) >= limits->max_tensors)
		return fault(p, HEFT_E_LIMIT, at, "it is one tensor more than the limit", err);
	if (n_before > limits->max_logical_bytes || n_bytes > limits->max_logical_bytes - n_before)
		return fault(p, HEFT_E_LIMIT, at, "it takes the tensors over the size limit", err);
	if (heft_listing_find(p->tensors, HEFT_SPACE_WEIGHTS, p->name, p->name_size, &i) &&
	    i < p->n_before)
		return fault(p, HEFT_E_UNSUPPORTED, at, "another array has a field of this name",
		             err);
	return HEFT_OK;
}

static enum heft_status add_leaf(struct parser *p, uint64_t off, struct heft_error *err)
{
	const size_t at = p->literal.pos;
	struct heft_listed row = { .space = HEFT_SPACE_WEIGHTS, .rank = (uint8_t)p->rank };
	struct heft_npy_type type;
	uint64_t n;

	HEFT_TRY(read_leaf(p, &type, err));
	HEFT_TRY(count_elements(p, at, p->rank, p->dims, &n, err));
	row.dtype = (uint16_t)type.dtype;
	HEFT_TRY(multiply(p, at, n, type.size, &row.n_bytes, err));
	row.unit = heft_any_size_unit(type.dtype, n, row.n_bytes); /* N4-3 */
	row.data_off = p->in->file_off + (p->in->src ? p->data_off + off : 0);
	HEFT_TRY(check_limits(p, at, row.n_bytes, err));
	HEFT_TRY(heft_listing_add(p->tensors, p->name, p->name_size, p->dims, &row, HEFT_E_CORRUPT,
	                          p->literal.is_exact ? p->literal.off + at : p->literal.off, err));
	add_layout(p, &type, off);
	if (!p->fields.ok || !p->levels.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a header");
	return HEFT_OK;
}

/* Adds what stands at m->type_at, whose elements have the member's shape. */
static enum heft_status add_member(struct parser *p, unsigned depth, const struct member *m,
                                   uint64_t off, struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;

	if (m->shape.rank > HEFT_MAX_RANK - p->rank || p->n_shapes == MAX_SHAPES)
		return fault(p, HEFT_E_LIMIT, m->type_at, "its rank is above 32", err);
	memcpy(p->dims + p->rank, m->shape.dims, m->shape.rank * sizeof *p->dims);
	p->rank += m->shape.rank;
	p->shapes[p->n_shapes++] = (struct heft_npy_level){ m->shape.n_elements, m->type_size };
	l->pos = m->type_at;
	HEFT_TRY(add_type(p, depth, off, err));
	l->pos = m->end;
	p->n_shapes--;
	p->rank -= m->shape.rank;
	return HEFT_OK;
}

/* N5-1: the array's name, a dot, the field's. */
static enum heft_status push_name(struct parser *p, size_t at, struct heft_error *err)
{
	const struct heft_npy_literal *l = &p->literal;

	if (l->string_size >= sizeof p->name - p->name_size)
		return fault(p, HEFT_E_LIMIT, at, "a field's name is too long", err);
	p->name[p->name_size++] = '.';
	memcpy(p->name + p->name_size, l->string, l->string_size);
	p->name_size += l->string_size;
	return HEFT_OK;
}

/* N5-3: a name, or a title and a name. */
static enum heft_status read_field_name(struct parser *p, struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;

	if (!heft_npy_literal_take(l, '('))
		return heft_npy_literal_string(l, err);
	HEFT_TRY(heft_npy_literal_string(l, err));
	HEFT_TRY(heft_npy_literal_expect(l, ',', err));
	HEFT_TRY(heft_npy_literal_string(l, err));
	heft_npy_literal_take(l, ',');
	return heft_npy_literal_expect(l, ')', err);
}

/* A field of a record; with `add_at`, its offset in the data, its tensors are added. */
static enum heft_status read_field(struct parser *p, unsigned depth, const uint64_t *add_at,
                                   uint64_t *size, struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	const size_t name_size = p->name_size;
	const size_t at = l->pos;
	struct member m;
	bool is_named;

	HEFT_TRY(heft_npy_literal_expect(l, '(', err));
	HEFT_TRY(read_field_name(p, err));
	is_named = l->string_size > 0;
	if (add_at && is_named)
		HEFT_TRY(push_name(p, at, err));
	HEFT_TRY(heft_npy_literal_expect(l, ',', err));
	HEFT_TRY(read_member(p, depth, false, &m, err));
	if (!is_named && !m.is_void)
		return fault(p, HEFT_E_UNSUPPORTED, at, "a field has no name", err);
	if (add_at && is_named)
		HEFT_TRY(add_member(p, depth + 1, &m, *add_at, err));
	p->name_size = name_size;
	*size = m.size;
	return HEFT_OK;
}

static enum heft_status add_record(struct parser *p, unsigned depth, uint64_t off,
                                   struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	uint64_t size;

	heft_npy_literal_take(l, '[');
	while (!heft_npy_literal_take(l, ']')) {
		HEFT_TRY(read_field(p, depth, &off, &size, err));
		off += size;
		heft_npy_literal_take(l, ',');
	}
	return HEFT_OK;
}

/* Adds the tensors of a type that was measured before. */
static enum heft_status add_type(struct parser *p, unsigned depth, uint64_t off,
                                 struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	struct member m;

	if (heft_npy_literal_peek(l) == '[')
		return add_record(p, depth, off, err);
	if (!heft_npy_literal_take(l, '('))
		return add_leaf(p, off, err);
	HEFT_TRY(read_member(p, depth, true, &m, err));
	return add_member(p, depth + 1, &m, off, err);
}

/* --- the whole --- */

static bool is_string(const struct heft_npy_literal *l, const char *text)
{
	return l->string_size == strlen(text) && memcmp(l->string, text, l->string_size) == 0;
}

static enum heft_status read_descr(struct parser *p, struct items *items, struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	bool is_void;

	items->has_descr = true;
	if (heft_npy_literal_peek(l) == '(')
		return heft_npy_literal_fault(l, HEFT_E_CORRUPT, l->pos,
		                              "descr is neither a string nor a list", err);
	items->descr_at = l->pos;
	return measure(p, 0, &items->item_size, &is_void, err);
}

/* One item, whose key was read: each of the three comes once. */
static enum heft_status read_item(struct parser *p, struct items *items, size_t at,
                                  struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	const bool is_descr = is_string(l, "descr") && !items->has_descr;
	const bool is_order = is_string(l, "fortran_order") && !items->has_order;
	const bool is_shape = is_string(l, "shape") && !items->has_shape;

	if (!is_descr && !is_order && !is_shape)
		return heft_npy_literal_fault(
			l, HEFT_E_CORRUPT, at,
			"the header has a key twice, or one that is not NumPy's", err);
	HEFT_TRY(heft_npy_literal_expect(l, ':', err));
	if (is_descr)
		return read_descr(p, items, err);
	if (is_order) {
		items->has_order = true;
		return heft_npy_literal_bool(l, &items->is_column_major, err);
	}
	items->has_shape = true;
	heft_npy_literal_peek(l);
	items->shape_at = l->pos;
	return heft_npy_literal_shape(l, items->dims, &items->rank, err);
}

/* N3-1 to N3-3 */
static enum heft_status read_items(struct parser *p, struct items *items, struct heft_error *err)
{
	struct heft_npy_literal *l = &p->literal;
	bool has_comma = true;

	if (l->is_utf8 && !heft_utf8_ok(l->bytes, l->size))
		return heft_npy_literal_fault(l, HEFT_E_CORRUPT, heft_utf8_span(l->bytes, l->size),
		                              "the header is not well-formed UTF-8", err);
	HEFT_TRY(heft_npy_literal_expect(l, '{', err));
	while (!heft_npy_literal_take(l, '}')) {
		const size_t at = l->pos;

		if (!has_comma)
			return heft_npy_literal_expect(l, '}', err);
		HEFT_TRY(heft_npy_literal_string(l, err));
		HEFT_TRY(read_item(p, items, at, err));
		has_comma = heft_npy_literal_take(l, ',');
	}
	if (!items->has_descr || !items->has_order || !items->has_shape)
		return heft_npy_literal_fault(l, HEFT_E_CORRUPT, l->pos - 1,
		                              !items->has_descr   ? "descr is missing"
		                              : !items->has_order ? "fortran_order is missing"
		                                                  : "shape is missing",
		                              err);
	if (heft_npy_literal_peek(l) >= 0)
		return heft_npy_literal_fault(l, HEFT_E_CORRUPT, l->pos,
		                              "the header goes on behind its literal", err);
	return HEFT_OK;
}

/* N2-4 */
static enum heft_status check_size(const struct parser *p, uint64_t data_size,
                                   struct heft_error *err)
{
	if (data_size <= p->in->size - p->data_off)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, p->in->file_off + (p->in->src ? p->in->size : 0),
	                 "array '%.*s': its data ends before its shape is filled",
	                 p->name_size < QUOTED ? (int)p->name_size : QUOTED, p->name);
}

/* N5-5: whether the order of the elements makes a difference. */
static bool has_order(const struct items *items, uint64_t data_size)
{
	uint32_t n_long = 0;

	for (uint32_t i = 0; i < items->rank; i++)
		n_long += items->dims[i] > 1;
	return items->is_column_major && data_size > 0 && n_long > 1;
}

static void *copy(const void *bytes, size_t n)
{
	void *copied = heft_alloc(n);

	if (copied && n > 0)
		memcpy(copied, bytes, n);
	return copied;
}

static enum heft_status take_layout(const struct parser *p, const struct items *items,
                                    uint64_t data_size, struct heft_npy_layout *out,
                                    struct heft_error *err)
{
	const bool is_ordered = has_order(items, data_size);
	struct heft_npy_layout l = {
		.data_off = p->data_off,
		.data_size = data_size,
		.item_size = items->item_size,
		.dims = is_ordered ? copy(items->dims, items->rank * sizeof *items->dims) : NULL,
		.fields = copy(p->fields.bytes, p->fields.size),
		.levels = p->levels.size > 0 ? copy(p->levels.bytes, p->levels.size) : NULL,
		.n_fields = (uint32_t)(p->fields.size / sizeof(struct heft_npy_field)),
		.rank = items->rank,
	};

	if (!l.fields || (is_ordered && !l.dims) || (p->levels.size > 0 && !l.levels)) {
		heft_npy_layout_done(&l);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a header");
	}
	*out = l;
	return HEFT_OK;
}

static enum heft_status parse(struct parser *p, struct heft_npy_layout *out, struct heft_error *err)
{
	struct items items = { .item_size = 0 };
	struct member all = { .shape = { .rank = 0 } };
	uint64_t data_size = 0;

	HEFT_TRY(read_items(p, &items, err));
	HEFT_TRY(count_elements(p, items.shape_at, items.rank, items.dims, &all.shape.n_elements,
	                        err));
	HEFT_TRY(multiply(p, items.shape_at, all.shape.n_elements, items.item_size, &data_size,
	                  err));
	HEFT_TRY(check_size(p, data_size, err));
	all.type_at = items.descr_at;
	all.type_size = items.item_size;
	all.shape.rank = items.rank;
	memcpy(all.shape.dims, items.dims, sizeof items.dims);
	p->array_rank = items.rank;
	HEFT_TRY(add_member(p, 0, &all, 0, err));
	return take_layout(p, &items, data_size, out, err);
}

enum heft_status heft_npy_parse(const struct heft_npy_text *text, const struct heft_npy_input *in,
                                const struct heft_npy_options *options, const char *name,
                                size_t name_size, struct heft_listing *tensors,
                                struct heft_npy_layout *out, struct heft_error *err)
{
	struct parser p = { .literal = { .bytes = text->bytes,
		                         .size = text->size,
		                         .off = in->file_off + (in->src ? text->off : 0),
		                         .is_exact = in->src != NULL,
		                         .is_utf8 = text->version == 3 },
		            .in = in,
		            .options = options,
		            .tensors = tensors,
		            .n_before = heft_listing_n(tensors),
		            .data_off = text->off + text->size,
		            .name_size = name_size };
	enum heft_status st;

	if (name_size > sizeof p.name)
		return heft_npy_literal_fault(&p.literal, HEFT_E_LIMIT, 0,
		                              "an array's name is longer than 4096 bytes", err);
	memcpy(p.name, name, name_size);
	heft_buffer_init(&p.fields);
	heft_buffer_init(&p.levels);
	st = parse(&p, out, err);
	heft_buffer_done(&p.fields);
	heft_buffer_done(&p.levels);
	return st;
}

void heft_npy_layout_done(struct heft_npy_layout *l)
{
	heft_free(l->fields);
	heft_free(l->levels);
	heft_free(l->dims);
	*l = (struct heft_npy_layout){ .data_off = 0 };
}
