/* SPDX-License-Identifier: Apache-2.0 */
/* torch_tensor.c - what the call that makes a tensor says: dtype, shape, and how it looks into its
 * storage, every element inside (Y2-1 to Y2-3). */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "format/torch_tree.h"
#include "tensor/dtype.h"

/* What messages begin with. */
struct subject {
	const struct heft_pickle *p;
	const char *name;
	uint64_t at;
};

static enum heft_status fault(const struct subject *s, enum heft_status code, const char *what,
                              struct heft_error *err)
{
	return heft_fail(err, code, s->at, "tensor '%.80s': %s", s->name, what);
}

static bool is_kind(const struct heft_pickle *p, heft_pickle_ref v, enum heft_pickle_kind kind)
{
	return v != HEFT_PICKLE_NONE && heft_pickle_kind(p, v) == kind;
}

static bool read_u64(const struct heft_pickle *p, heft_pickle_ref v, uint64_t *value)
{
	if (!is_kind(p, v, HEFT_PICKLE_INT) || heft_pickle_int(p, v) < 0)
		return false;
	*value = (uint64_t)heft_pickle_int(p, v);
	return true;
}

/* --- shape --- */

enum heft_status heft_torch_read_dims(const struct heft_pickle *p, heft_pickle_ref v,
                                      const char *name, const char *what, uint32_t *rank,
                                      uint64_t *dims, struct heft_error *err)
{
	const heft_pickle_ref list = v == HEFT_PICKLE_NONE ? v : heft_torch_plain(p, v);
	uint32_t n;

	if (!is_kind(p, list, HEFT_PICKLE_TUPLE) && !is_kind(p, list, HEFT_PICKLE_LIST))
		return heft_fail(err, HEFT_E_CORRUPT,
		                 v == HEFT_PICKLE_NONE ? HEFT_NO_OFFSET : heft_pickle_at(p, v),
		                 "tensor '%.80s': its %s is no tuple", name, what);
	n = heft_pickle_n_items(p, list);
	if (n > HEFT_MAX_RANK)
		return heft_fail(err, HEFT_E_LIMIT, heft_pickle_at(p, list),
		                 "tensor '%.80s': its rank is above 32", name);
	for (uint32_t i = 0; i < n; i++) {
		if (!read_u64(p, heft_pickle_item(p, list, i), &dims[i]))
			return heft_fail(err, HEFT_E_CORRUPT, heft_pickle_at(p, list),
			                 "tensor '%.80s': its %s holds no number, or one below 0",
			                 name, what);
	}
	*rank = n;
	return HEFT_OK;
}

static enum heft_status read_shape(const struct subject *s, heft_pickle_ref size,
                                   heft_pickle_ref stride, struct heft_torch_tensor *t,
                                   struct heft_error *err)
{
	uint32_t n_strides;

	HEFT_TRY(heft_torch_read_dims(s->p, size, s->name, "size", &t->rank, t->dims, err));
	HEFT_TRY(
		heft_torch_read_dims(s->p, stride, s->name, "stride", &n_strides, t->strides, err));
	if (n_strides != t->rank)
		return fault(s, HEFT_E_CORRUPT, "size and stride are not of one length", err);
	if (!heft_dims_product(t->rank, t->dims, &t->n_elements))
		return fault(s, HEFT_E_CORRUPT, "the shape has 2^63 elements or more", err);
	return HEFT_OK;
}

/* --- the view --- */

/* Y2-2: all of [offset, end of the last element) lies in the part of the storage. */
static bool lies_inside(const struct heft_torch_tensor *t, uint64_t offset, uint64_t size,
                        uint64_t part_size)
{
	uint64_t last = offset;
	uint64_t step;
	uint64_t n_bytes;

	for (uint32_t i = 0; i < t->rank; i++) {
		if (!heft_mul_u64(t->dims[i] - 1, t->strides[i], &step) ||
		    !heft_add_u64(last, step, &last))
			return false;
	}
	return heft_add_u64(last, 1, &last) && heft_mul_u64(last, size, &n_bytes) &&
	       n_bytes <= part_size;
}

static bool is_contiguous(const struct heft_torch_tensor *t)
{
	uint64_t step = 1; /* fits: the number of elements does */

	for (uint32_t i = t->rank; i-- > 0;) {
		if (t->dims[i] != 1 && t->strides[i] != step)
			return false;
		step *= t->dims[i];
	}
	return true;
}

/* An element of float4_e2m1fn_x2 is two of heft's. */
static enum heft_status double_last(const struct subject *s, struct heft_torch_tensor *t,
                                    struct heft_error *err)
{
	if (t->dtype != HEFT_DTYPE_F4)
		return HEFT_OK;
	if (t->rank == 0)
		return fault(s, HEFT_E_UNSUPPORTED, "a pair of numbers without a dimension", err);
	if (!heft_mul_u64(t->dims[t->rank - 1], 2, &t->dims[t->rank - 1]))
		return fault(s, HEFT_E_CORRUPT, "the shape has 2^63 elements or more", err);
	return HEFT_OK;
}

static enum heft_status size_of(const struct subject *s, struct heft_torch_tensor *t,
                                struct heft_error *err)
{
	struct heft_error why;

	HEFT_TRY(double_last(s, t, err));
	if (heft_tensor_size((enum heft_dtype)t->dtype, t->rank, t->dims, &t->n_elements,
	                     &t->n_bytes, &why) != HEFT_OK)
		return fault(s, HEFT_E_CORRUPT, why.msg, err);
	return HEFT_OK;
}

static enum heft_status place(const struct subject *s, const struct heft_torch_part *part,
                              const struct heft_torch_type *type, uint64_t offset,
                              struct heft_torch_tensor *t, struct heft_error *err)
{
	t->dtype = type->dtype;
	t->is_quantised = type->is_quantised;
	if (t->n_elements == 0) {
		t->storage = HEFT_TORCH_NO_STORAGE;
		t->is_contiguous = true;
		return size_of(s, t, err);
	}
	if (!lies_inside(t, offset, type->size, part->size))
		return fault(s, HEFT_E_CORRUPT, "it reaches past its storage", err);
	t->storage = part->storage;
	t->offset = part->off + offset * type->size; /* inside, as was seen */
	t->is_contiguous = is_contiguous(t);
	return size_of(s, t, err);
}

/* --- the call's arguments --- */

/* {'conj': True}: the elements are not what lies in the storage. */
static enum heft_status check_bits(const struct subject *s, heft_pickle_ref bits,
                                   struct heft_error *err)
{
	heft_pickle_ref key;
	heft_pickle_ref value;

	if (bits == HEFT_PICKLE_NONE || heft_pickle_kind(s->p, bits) != HEFT_PICKLE_DICT)
		return HEFT_OK;
	for (uint32_t i = 0; i < heft_pickle_n_pairs(s->p, bits); i++) {
		heft_pickle_pair(s->p, bits, i, &key, &value);
		if (heft_pickle_kind(s->p, value) != HEFT_PICKLE_BOOL ||
		    heft_pickle_bool(s->p, value))
			return fault(s, HEFT_E_UNSUPPORTED,
			             "a bit says that it is conjugated or negated", err);
	}
	return HEFT_OK;
}

static enum heft_status read_dtype(const struct subject *s, heft_pickle_ref v,
                                   const struct heft_torch_type **type, struct heft_error *err)
{
	if (!is_kind(s->p, v, HEFT_PICKLE_GLOBAL))
		return fault(s, HEFT_E_CORRUPT, "its dtype is none", err);
	*type = heft_torch_dtype(s->p, v);
	if (!*type)
		return heft_fail(err, HEFT_E_UNSUPPORTED, s->at,
		                 "tensor '%.80s': dtype %.80s is not supported", s->name,
		                 heft_pickle_name(s->p, v));
	return HEFT_OK;
}

/* _rebuild_tensor(STORAGE, OFFSET, SIZE, STRIDE); _v2(…, GRADIENT, HOOKS, BITS);
 * _v3(…, GRADIENT, HOOKS, DTYPE, BITS); _rebuild_qtensor(…, PARAMETERS, GRADIENT, HOOKS) */
static enum heft_status read_dense(const struct subject *s,
                                   const struct heft_torch_storages *storages, bool is_constant,
                                   enum heft_torch_what what, const struct heft_torch_call *call,
                                   struct heft_torch_tensor *t, struct heft_error *err)
{
	const struct heft_pickle *p = s->p;
	const bool is_v3 = strcmp(call->name, "_rebuild_tensor_v3") == 0;
	const struct heft_torch_type *type;
	struct heft_torch_part part;
	uint64_t offset;

	if (!is_kind(p, heft_torch_argument(p, call, 0), HEFT_PICKLE_PERSISTENT))
		return fault(s, HEFT_E_CORRUPT, "it has no storage", err);
	HEFT_TRY(heft_torch_storages_find(storages, p, is_constant, heft_torch_argument(p, call, 0),
	                                  &part, err));
	type = part.type;
	if (is_v3)
		HEFT_TRY(read_dtype(s, heft_torch_argument(p, call, 6), &type, err));
	if (type->dtype == HEFT_DTYPE_NONE)
		return fault(s, HEFT_E_CORRUPT, "its storage has no dtype", err);
	if (type->is_quantised != (what == HEFT_TORCH_QUANTISED))
		return fault(s, HEFT_E_UNSUPPORTED, "integers without a scale, or a scale without",
		             err);
	if (call->dtype != HEFT_PICKLE_NONE && heft_torch_dtype(p, call->dtype) != type)
		return fault(s, HEFT_E_UNSUPPORTED, "it is turned into another dtype", err);
	if (what == HEFT_TORCH_TENSOR)
		HEFT_TRY(check_bits(s, heft_torch_argument(p, call, is_v3 ? 7 : 6), err));
	if (!read_u64(p, heft_torch_argument(p, call, 1), &offset))
		return fault(s, HEFT_E_CORRUPT, "its offset is no number, or one below 0", err);
	HEFT_TRY(read_shape(s, heft_torch_argument(p, call, 2), heft_torch_argument(p, call, 3), t,
	                    err));
	return place(s, &part, type, offset, t, err);
}

/* _rebuild_meta_tensor_no_storage(DTYPE, SIZE, STRIDE, GRADIENT) */
static enum heft_status read_meta(const struct subject *s, const struct heft_torch_call *call,
                                  struct heft_torch_tensor *t, struct heft_error *err)
{
	const struct heft_torch_part none = { .storage = HEFT_TORCH_NO_STORAGE };
	const struct heft_torch_type *type;

	HEFT_TRY(read_dtype(s, heft_torch_argument(s->p, call, 0), &type, err));
	HEFT_TRY(read_shape(s, heft_torch_argument(s->p, call, 1),
	                    heft_torch_argument(s->p, call, 2), t, err));
	if (t->n_elements > 0)
		return fault(s, HEFT_E_UNSUPPORTED, "it is on the meta device and has no data",
		             err);
	return place(s, &none, type, 0, t, err);
}

/* A storage that stands by itself has one dimension. */
static enum heft_status read_storage(const struct subject *s,
                                     const struct heft_torch_storages *storages, bool is_constant,
                                     heft_pickle_ref v, struct heft_torch_tensor *t,
                                     struct heft_error *err)
{
	struct heft_torch_type type;
	struct heft_torch_part part;

	HEFT_TRY(heft_torch_storages_find(storages, s->p, is_constant, v, &part, err));
	type = *part.type;
	if (type.dtype == HEFT_DTYPE_NONE)
		type.dtype = HEFT_DTYPE_U8;
	t->rank = 1;
	t->n_elements = part.size / type.size;
	t->dims[0] = t->n_elements;
	t->strides[0] = 1;
	return place(s, &part, &type, 0, t, err);
}

enum heft_status heft_torch_read_tensor(const struct heft_torch_storages *storages,
                                        const struct heft_pickle *p, bool is_constant,
                                        enum heft_torch_what what,
                                        const struct heft_torch_call *call, const char *name,
                                        struct heft_torch_tensor *t, struct heft_error *err)
{
	const struct subject s = { p, name, heft_pickle_at(p, call->value) };

	t->at = s.at;
	t->offset = 0;
	if (what == HEFT_TORCH_STORAGE)
		return read_storage(&s, storages, is_constant, call->value, t, err);
	if (what == HEFT_TORCH_META)
		return read_meta(&s, call, t, err);
	return read_dense(&s, storages, is_constant, what, call, t, err);
}
