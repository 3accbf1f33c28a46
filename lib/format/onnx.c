/* SPDX-License-Identifier: Apache-2.0 */
/* onnx.c - the ONNX format (spec/foreign/onnx.md): how a model is told, and its vtable. */
#include "format/onnx.h"

#include "base/checked.h"
#include "base/wire.h"
#include "format/onnx_read.h"
#include "format/shared.h"
#include "onnx/fields.h"

#define HEAD_SIZE 4096u
/* There is no magic, so whatever has one comes first: what was seen counts less than 32 bits. */
#define SURE 24u
#define LIKELY 12u

/* What a field may be: the last four are messages that are looked into. */
enum kind {
	NONE,
	NUMBER,
	NUMBERS,
	TEXT,
	DATA,
	MODEL,
	GRAPH,
	NODE,
	TENSOR,
	N_KINDS
};

static const uint8_t fields[N_KINDS][32] = {
	[MODEL] = {
		[HEFT_MODEL_IR_VERSION] = NUMBER,
		[HEFT_MODEL_PRODUCER_NAME] = TEXT,
		[HEFT_MODEL_PRODUCER_VERSION] = TEXT,
		[HEFT_MODEL_DOMAIN] = TEXT,
		[HEFT_MODEL_VERSION] = NUMBER,
		[HEFT_MODEL_DOC_STRING] = TEXT,
		[HEFT_MODEL_GRAPH] = GRAPH,
		[HEFT_MODEL_OPSET_IMPORT] = DATA,
		[HEFT_MODEL_METADATA_PROPS] = DATA,
		[HEFT_MODEL_TRAINING_INFO] = DATA,
		[HEFT_MODEL_FUNCTIONS] = DATA,
		[HEFT_MODEL_CONFIGURATION] = DATA,
	},
	[GRAPH] = {
		[HEFT_GRAPH_NODE] = NODE,
		[HEFT_GRAPH_NAME] = TEXT,
		[HEFT_GRAPH_INITIALIZER] = TENSOR,
		[HEFT_GRAPH_DOC_STRING] = TEXT,
		[HEFT_GRAPH_INPUT] = DATA,
		[HEFT_GRAPH_OUTPUT] = DATA,
		[HEFT_GRAPH_VALUE_INFO] = DATA,
		[HEFT_GRAPH_QUANTIZATION] = DATA,
		[HEFT_GRAPH_SPARSE_INITIALIZER] = DATA,
	},
	[NODE] = {
		[HEFT_NODE_INPUT] = TEXT,
		[HEFT_NODE_OUTPUT] = TEXT,
		[HEFT_NODE_NAME] = TEXT,
		[HEFT_NODE_OP_TYPE] = TEXT,
		[HEFT_NODE_ATTRIBUTE] = DATA,
		[HEFT_NODE_DOC_STRING] = TEXT,
		[HEFT_NODE_DOMAIN] = TEXT,
		[HEFT_NODE_OVERLOAD] = TEXT,
		[9] = DATA,  /* metadata_props */
		[10] = DATA, /* device_configurations */
	},
	[TENSOR] = {
		[HEFT_TENSOR_DIMS] = NUMBERS,
		[HEFT_TENSOR_DATA_TYPE] = NUMBER,
		[HEFT_TENSOR_SEGMENT] = DATA,
		[HEFT_TENSOR_FLOAT_DATA] = NUMBERS,
		[HEFT_TENSOR_INT32_DATA] = NUMBERS,
		[HEFT_TENSOR_STRING_DATA] = DATA,
		[HEFT_TENSOR_INT64_DATA] = NUMBERS,
		[HEFT_TENSOR_NAME] = TEXT,
		[HEFT_TENSOR_RAW_DATA] = DATA,
		[HEFT_TENSOR_DOUBLE_DATA] = NUMBERS,
		[HEFT_TENSOR_UINT64_DATA] = NUMBERS,
		[HEFT_TENSOR_DOC_STRING] = TEXT,
		[HEFT_TENSOR_EXTERNAL_DATA] = DATA,
		[HEFT_TENSOR_DATA_LOCATION] = NUMBER,
	},
};

/* The begin of the file, and what was seen in it. */
struct head {
	const uint8_t *bytes;
	size_t n;
	bool has_version;
	bool has_graph;
};

static bool is_text(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] < 0x20 && bytes[i] != '\t' && bytes[i] != '\n' && bytes[i] != '\r')
			return false;
	return true;
}

/* The field at `at` of a message that ends at `end`, which may lie past what is seen; its content
 * may, too. */
static bool see_field(const struct head *h, size_t at, uint64_t end, struct heft_wire_field *f)
{
	const size_t n = h->n < end ? h->n : (size_t)end;
	uint64_t tag = 0;
	const unsigned tag_size = heft_wire_get_varint(h->bytes + at, n - at, &tag);

	if (tag_size == 0 || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
		return false;
	*f = (struct heft_wire_field){ .number = (uint32_t)(tag >> 3), .type = tag & 7 };
	f->off = at + tag_size;
	if (f->type == HEFT_WIRE_VARINT || f->type == HEFT_WIRE_BYTES) {
		f->size = heft_wire_get_varint(h->bytes + f->off, n - (size_t)f->off, &f->value);
		if (f->size == 0)
			return false;
	} else if (f->type == HEFT_WIRE_FIXED32 || f->type == HEFT_WIRE_FIXED64) {
		f->size = f->type == HEFT_WIRE_FIXED32 ? 4 : 8;
	} else {
		return false;
	}
	if (f->type == HEFT_WIRE_BYTES) {
		f->off += f->size;
		f->size = f->value;
	}
	return true;
}

/* One of another version may be anywhere but among the model's first ones. */
static enum kind kind_of(const struct head *h, enum kind message, uint32_t number)
{
	if (number < 32 && fields[message][number] != NONE)
		return (enum kind)fields[message][number];
	return number > 15 && (message != MODEL || h->has_graph) ? DATA : NONE;
}

/* Whether a field can be of this kind; `seen` bytes of its content are. */
static bool is_kind(const struct head *h, const struct heft_wire_field *f, enum kind kind,
                    size_t seen)
{
	switch (kind) {
	case NONE:
		return false;
	case NUMBER:
		return f->type == HEFT_WIRE_VARINT;
	case NUMBERS:
		return true;
	case TEXT:
		return f->type == HEFT_WIRE_BYTES && is_text(h->bytes + f->off, seen);
	default:
		return f->number > 15 || f->type == HEFT_WIRE_BYTES;
	}
}

static void note(struct head *h, enum kind message, const struct heft_wire_field *f)
{
	if (message != MODEL)
		return;
	if (f->number == HEFT_MODEL_GRAPH)
		h->has_graph = true;
	if (f->number == HEFT_MODEL_IR_VERSION)
		h->has_version = f->value > 0 && f->value < 256;
}

/* Whether the message [at, end) begins as one of its kind, as far as it is seen, and the messages
 * in it do: no deeper than a model, a graph, a node. */
static bool looks_right(struct head *h, enum kind message, size_t at, uint64_t end)
{
	while (at < end && at < h->n && (h->n - at >= 2 * HEFT_WIRE_VARINT_MAX || h->n >= end)) {
		struct heft_wire_field f;
		enum kind kind;
		size_t seen;

		if (!see_field(h, at, end, &f))
			return false;
		kind = kind_of(h, message, f.number);
		seen = f.size < h->n - f.off ? (size_t)f.size : h->n - (size_t)f.off;
		if (!is_kind(h, &f, kind, seen))
			return false;
		note(h, message, &f);
		if (!heft_in_range(f.off, f.size, end))
			return false;
		if (kind > MODEL && !looks_right(h, kind, (size_t)f.off, f.off + f.size))
			return false;
		if (f.size > seen)
			return true;
		at = (size_t)(f.off + f.size);
	}
	return true;
}

/* A graph is as sure as it gets. Where a long text hides it, the IR's version must have been there;
 * and a model that is damaged or cut short is still told by the two. */
static unsigned probe(const uint8_t *head, size_t n, uint64_t file_size)
{
	struct head h = { .bytes = head, .n = n };
	const bool is_right = looks_right(&h, MODEL, 0, file_size);

	if (is_right && h.has_graph)
		return SURE;
	if (h.has_version && (h.has_graph || (is_right && n < file_size)))
		return LIKELY;
	return 0;
}

const struct heft_format heft_format_onnx = {
	.name = "onnx",
	.ext = ".onnx",
	.caps = HEFT_FORMAT_READ | HEFT_FORMAT_WRITE | HEFT_FORMAT_GRAPH | HEFT_FORMAT_EXTERNAL,
	.head_size = HEAD_SIZE,
	.probe = probe,
	.open = heft_onnx_open,
	.close = heft_onnx_close,
	.n_tensors = heft_onnx_n_tensors,
	.tensor_at = heft_onnx_tensor_at,
	.find = heft_onnx_find,
	.read = heft_onnx_read,
	.locate = heft_onnx_locate,
	.metadata = heft_onnx_read_metadata,
	.graph = heft_onnx_read_graph,
	.check_data = heft_onnx_check_data,
	.file_at = heft_onnx_file_at,
	.check = heft_onnx_check,
	.begin = heft_onnx_begin,
	.scratch_size = heft_onnx_scratch_size,
	.encode = heft_onnx_encode,
	.place = heft_onnx_place,
	.store = heft_onnx_store,
	.read_back = heft_onnx_read_back,
	.finish = heft_onnx_finish,
	.writer_free = heft_onnx_writer_free,
};
