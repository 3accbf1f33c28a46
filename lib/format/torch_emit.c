/* SPDX-License-Identifier: Apache-2.0 */
/* torch_emit.c - writes opcodes of a pickle as torch.save does. */
#include "format/torch_emit.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

/* How PyTorch has a dtype: in a storage of its own class, or in an untyped one. */
struct type {
	enum heft_dtype dtype;
	const char *storage; /* GLOBAL's argument; NULL: untyped */
	const char *name;    /* the same, of the dtype */
};

static const struct type types[] = {
	{ HEFT_DTYPE_F32, "torch\nFloatStorage\n", "torch\nfloat32\n" },
	{ HEFT_DTYPE_F64, "torch\nDoubleStorage\n", "torch\nfloat64\n" },
	{ HEFT_DTYPE_F16, "torch\nHalfStorage\n", "torch\nfloat16\n" },
	{ HEFT_DTYPE_BF16, "torch\nBFloat16Storage\n", "torch\nbfloat16\n" },
	{ HEFT_DTYPE_I64, "torch\nLongStorage\n", "torch\nint64\n" },
	{ HEFT_DTYPE_I32, "torch\nIntStorage\n", "torch\nint32\n" },
	{ HEFT_DTYPE_I16, "torch\nShortStorage\n", "torch\nint16\n" },
	{ HEFT_DTYPE_I8, "torch\nCharStorage\n", "torch\nint8\n" },
	{ HEFT_DTYPE_U8, "torch\nByteStorage\n", "torch\nuint8\n" },
	{ HEFT_DTYPE_BOOL, "torch\nBoolStorage\n", "torch\nbool\n" },
	{ HEFT_DTYPE_C64, "torch\nComplexFloatStorage\n", "torch\ncomplex64\n" },
	{ HEFT_DTYPE_C128, "torch\nComplexDoubleStorage\n", "torch\ncomplex128\n" },
	{ HEFT_DTYPE_U16, NULL, "torch\nuint16\n" },
	{ HEFT_DTYPE_U32, NULL, "torch\nuint32\n" },
	{ HEFT_DTYPE_U64, NULL, "torch\nuint64\n" },
	{ HEFT_DTYPE_F8_E4M3, NULL, "torch\nfloat8_e4m3fn\n" },
	{ HEFT_DTYPE_F8_E5M2, NULL, "torch\nfloat8_e5m2\n" },
	{ HEFT_DTYPE_F8_E4M3FNUZ, NULL, "torch\nfloat8_e4m3fnuz\n" },
	{ HEFT_DTYPE_F8_E5M2FNUZ, NULL, "torch\nfloat8_e5m2fnuz\n" },
	{ HEFT_DTYPE_F8_E8M0, NULL, "torch\nfloat8_e8m0fnu\n" },
	{ HEFT_DTYPE_F4, NULL, "torch\nfloat4_e2m1fn_x2\n" },
};

#define N_TYPES (sizeof types / sizeof *types)

static const char ordered_dict[] = "collections\nOrderedDict\n";
static const char encode[] = "_codecs\nencode\n";
static const char untyped[] = "torch.storage\nUntypedStorage\n";
static const char rebuild[] = "torch._utils\n_rebuild_tensor_v2\n";
static const char rebuild_typed[] = "torch._utils\n_rebuild_tensor_v3\n";
static const char storage_word[] = "storage";
static const char place_word[] = "cpu";
static const char latin1_word[] = "latin1";

void heft_torch_emit_init(struct heft_torch_emitter *e)
{
	*e = (struct heft_torch_emitter){ .n_memo = 0 };
	heft_buffer_init(&e->b);
}

void heft_torch_emit_done(struct heft_torch_emitter *e)
{
	heft_buffer_done(&e->b);
}

void heft_torch_emit(struct heft_torch_emitter *e, char opcode)
{
	heft_buffer_add_u8(&e->b, (uint8_t)opcode);
}

/* --- the memo --- */

/* Takes a literal from the memo; false: it is to be written, and memoize() follows. */
static bool recall(struct heft_torch_emitter *e, const char *literal)
{
	for (uint8_t i = 0; i < e->n_memo; i++) {
		if (e->memo[i] != literal)
			continue;
		heft_torch_emit(e, 'h');
		heft_buffer_add_u8(&e->b, i);
		return true;
	}
	return false;
}

static void memoize(struct heft_torch_emitter *e, const char *literal)
{
	if (e->n_memo == HEFT_TORCH_MEMOS)
		return;
	heft_torch_emit(e, 'q');
	heft_buffer_add_u8(&e->b, e->n_memo);
	e->memo[e->n_memo++] = literal;
}

/* "module\nname\n" */
static void emit_global(struct heft_torch_emitter *e, const char *lines)
{
	if (recall(e, lines))
		return;
	heft_torch_emit(e, 'c');
	heft_buffer_add(&e->b, lines, strlen(lines));
	memoize(e, lines);
}

static void emit_word(struct heft_torch_emitter *e, const char *word)
{
	if (recall(e, word))
		return;
	heft_torch_emit_text(e, word, strlen(word));
	memoize(e, word);
}

/* --- constants --- */

void heft_torch_emit_bool(struct heft_torch_emitter *e, bool v)
{
	heft_buffer_add_u8(&e->b, v ? 0x88 : 0x89);
}

void heft_torch_emit_int(struct heft_torch_emitter *e, int64_t v)
{
	if (v >= 0 && v <= UINT8_MAX) {
		heft_torch_emit(e, 'K');
		heft_buffer_add_u8(&e->b, (uint8_t)v);
	} else if (v >= 0 && v <= UINT16_MAX) {
		heft_torch_emit(e, 'M');
		heft_buffer_add_le16(&e->b, (uint16_t)v);
	} else if (v >= INT32_MIN && v <= INT32_MAX) {
		heft_torch_emit(e, 'J');
		heft_buffer_add_le32(&e->b, (uint32_t)v);
	} else {
		uint8_t bytes[8];

		heft_put_le64(bytes, (uint64_t)v);
		heft_torch_emit_long(e, bytes, sizeof bytes);
	}
}

void heft_torch_emit_real(struct heft_torch_emitter *e, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	heft_torch_emit(e, 'G');
	heft_buffer_add_le64(&e->b, __builtin_bswap64(bits));
}

bool heft_torch_emit_long(struct heft_torch_emitter *e, const uint8_t *bytes, size_t n)
{
	if (n > UINT8_MAX)
		return false;
	heft_buffer_add_u8(&e->b, 0x8a);
	heft_buffer_add_u8(&e->b, (uint8_t)n);
	heft_buffer_add(&e->b, bytes, n);
	return true;
}

void heft_torch_emit_text(struct heft_torch_emitter *e, const void *text, size_t n)
{
	heft_torch_emit(e, 'X');
	heft_buffer_add_le32(&e->b, (uint32_t)n);
	heft_buffer_add(&e->b, text, n);
}

/* Protocol 2 has no bytes: _codecs.encode(TEXT, "latin1"). */
void heft_torch_emit_bytes(struct heft_torch_emitter *e, const uint8_t *bytes, size_t n)
{
	size_t size_at;

	emit_global(e, encode);
	heft_torch_emit(e, 'X');
	size_at = e->b.size;
	heft_buffer_add_le32(&e->b, 0);
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] >= 0x80)
			heft_buffer_add_u8(&e->b, (uint8_t)(0xc0 | bytes[i] >> 6));
		heft_buffer_add_u8(&e->b, bytes[i] < 0x80 ? bytes[i] : 0x80 | (bytes[i] & 0x3f));
	}
	if (e->b.ok)
		heft_put_le32(e->b.bytes + size_at, (uint32_t)(e->b.size - size_at - 4));
	emit_word(e, latin1_word);
	heft_buffer_add_u8(&e->b, 0x86);
	heft_torch_emit(e, 'R');
}

void heft_torch_emit_ordered_dict(struct heft_torch_emitter *e)
{
	emit_global(e, ordered_dict);
	heft_torch_emit(e, ')');
	heft_torch_emit(e, 'R');
}

size_t heft_torch_emit_mark(struct heft_torch_emitter *e)
{
	heft_torch_emit(e, '(');
	return e->b.size;
}

void heft_torch_emit_to_mark(struct heft_torch_emitter *e, size_t mark_at, char opcode)
{
	if (e->b.ok && e->b.size == mark_at)
		e->b.size--;
	else
		heft_torch_emit(e, opcode);
}

/* --- dtypes and tensors --- */

static const struct type *type_of(enum heft_dtype dtype)
{
	for (size_t i = 0; i < N_TYPES; i++) {
		if (types[i].dtype == dtype)
			return &types[i];
	}
	return NULL;
}

bool heft_torch_holds(enum heft_dtype dtype)
{
	return type_of(dtype) != NULL;
}

bool heft_torch_emit_dtype(struct heft_torch_emitter *e, const char *name)
{
	static const char module[] = "torch.";
	const size_t n = strlen(name);

	if (n < sizeof module || memcmp(name, module, sizeof module - 1) != 0)
		return false;
	for (size_t i = 0; i < N_TYPES; i++) {
		const char *own = types[i].name + sizeof module - 1;

		if (strlen(own) != n - sizeof module + 2 ||
		    memcmp(own, name + sizeof module - 1, n - sizeof module + 1) != 0)
			continue;
		emit_global(e, types[i].name);
		return true;
	}
	return false;
}

static void emit_tuple(struct heft_torch_emitter *e, const uint64_t *numbers, uint32_t n)
{
	if (n > 3)
		heft_torch_emit(e, '(');
	for (uint32_t i = 0; i < n; i++)
		heft_torch_emit_int(e, (int64_t)numbers[i]);
	if (n == 0)
		heft_torch_emit(e, ')');
	else if (n > 3)
		heft_torch_emit(e, 't');
	else
		heft_buffer_add_u8(&e->b, (uint8_t)(0x84 + n));
}

/* ('storage', CLASS, KEY, 'cpu', NUMBER) */
static void emit_storage(struct heft_torch_emitter *e, const char *class, uint32_t key,
                         uint64_t number)
{
	char text[16];
	const int n = snprintf(text, sizeof text, "%u", key);

	heft_torch_emit(e, '(');
	emit_word(e, storage_word);
	emit_global(e, class);
	heft_torch_emit_text(e, text, (size_t)n);
	emit_word(e, place_word);
	heft_torch_emit_int(e, (int64_t)number);
	heft_torch_emit(e, 't');
	heft_torch_emit(e, 'Q');
}

/* What PyTorch calls a dimension: one of F4 counts pairs. Strides of a tensor
 * without elements are ones, lest their product be too large. */
static void measure(const struct heft_listed *row, const uint64_t *dims, uint64_t *sizes,
                    uint64_t *strides)
{
	uint64_t stride = 1;

	for (uint32_t d = row->rank; d > 0; d--) {
		sizes[d - 1] = dims[d - 1];
		if (row->dtype == HEFT_DTYPE_F4 && d == row->rank)
			sizes[d - 1] /= 2;
		strides[d - 1] = stride;
		if (sizes[d - 1] > 1 && row->n_elements > 0)
			stride *= sizes[d - 1];
	}
}

void heft_torch_emit_tensor(struct heft_torch_emitter *e, const struct heft_listed *row,
                            const uint64_t *dims, uint32_t key)
{
	const struct type *type = type_of((enum heft_dtype)row->dtype);
	uint64_t sizes[HEFT_MAX_RANK];
	uint64_t strides[HEFT_MAX_RANK];

	measure(row, dims, sizes, strides);
	emit_global(e, type->storage ? rebuild : rebuild_typed);
	heft_torch_emit(e, '(');
	if (type->storage)
		emit_storage(e, type->storage, key, row->n_elements);
	else
		emit_storage(e, untyped, key, row->n_bytes);
	heft_torch_emit_int(e, 0);
	emit_tuple(e, sizes, row->rank);
	emit_tuple(e, strides, row->rank);
	heft_torch_emit_bool(e, false);
	heft_torch_emit_ordered_dict(e);
	if (!type->storage)
		emit_global(e, type->name);
	heft_torch_emit(e, 't');
	heft_torch_emit(e, 'R');
}
