/* SPDX-License-Identifier: Apache-2.0 */
/* torch_write.c - writes a PyTorch file: an archive whose members have their places from the start
 * (spec/foreign/pytorch.md, section 5). */
#include "format/torch_write.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "format/torch.h"
#include "format/zip.h"
#include "tensor/dtype.h"

#define ALIGNMENT 64u
#define QUOTED 80      /* bytes of a name in a message */
#define FOLDER_MAX 255 /* bytes of the archive's folder */
#define ID_SIZE 40     /* digits of the identity that torch.save gives a file */

struct writer {
	struct heft_sink *sink;
	const struct heft_listing *tensors; /* borrowed, like the plan */
	struct heft_zip_writer *zip;
	uint32_t *members; /* by tensor that is stored: its member */
	uint32_t n_members;
	struct heft_buffer name; /* of a member: the folder, and behind it the rest */
	size_t folder_size;
};

/* --- check --- */

static enum heft_status check_tensor(const struct heft_tensor *t, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(t->dtype);

	if (!heft_torch_holds(t->dtype))
		return heft_fail(
			err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			"tensor '%.*s' is %s, which PyTorch cannot hold: %s--exclude leaves it out",
			QUOTED, t->name, heft_dtype_name(t->dtype),
			!info || info->is_block || info->is_complex
				? ""
				: "--dtype-of GLOB=T casts it, ");
	if (t->dtype == HEFT_DTYPE_F4 && (t->rank == 0 || t->dims[t->rank - 1] % 2 != 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.*s' is F4, and its last dimension is not even: "
		                 "--dtype-of GLOB=T casts it, --exclude leaves it out",
		                 QUOTED, t->name);
	return HEFT_OK;
}

enum heft_status heft_torch_check(const struct heft_write_plan *plan, struct heft_error *err)
{
	struct heft_torch_emitter e;
	struct heft_tensor t;
	enum heft_status st;

	if (plan->options.compress != HEFT_COMPRESS_NONE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a PyTorch file does not compress: leave --compress out");
	for (uint32_t i = 0; i < heft_listing_n(plan->tensors); i++) {
		heft_listing_describe(plan->tensors, i, &t);
		HEFT_TRY(check_tensor(&t, err));
	}
	heft_torch_emit_init(&e);
	st = heft_torch_pickle(plan, &e, err);
	heft_torch_emit_done(&e);
	return st;
}

/* --- members --- */

/* The target's name without its extension, as torch.save has it; "archive" where there is none, or
 * where an archive could not have it. */
static void add_folder(struct heft_buffer *b, const char *name)
{
	const char *dot = name ? strrchr(name, '.') : NULL;
	const size_t n = !name ? 0 : dot && dot > name ? (size_t)(dot - name) : strlen(name);

	if (n == 0 || n > FOLDER_MAX || !heft_utf8_ok(name, n) || memchr(name, '\\', n) ||
	    name[0] == '.')
		heft_buffer_addf(b, "archive/");
	else
		heft_buffer_addf(b, "%.*s/", (int)n, name);
}

/* A member whose bytes are `head`, or else a storage of `size` bytes. */
static enum heft_status begin_member(struct writer *w, const char *rest, const void *head,
                                     size_t head_size, uint64_t size, struct heft_error *err)
{
	struct heft_zip_new member = {
		.head = head,
		.head_size = head_size,
		.size = head_size + size,
		.alignment = head ? 1 : ALIGNMENT,
	};
	const uint32_t i = w->n_members;

	w->name.size = w->folder_size;
	heft_buffer_add(&w->name, rest, strlen(rest));
	if (!w->name.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a name");
	member.name = (const char *)w->name.bytes;
	member.name_size = w->name.size;
	HEFT_TRY(heft_zip_writer_begin(w->zip, &member, err));
	w->n_members++;
	return size > 0 ? HEFT_OK : heft_zip_writer_end(w->zip, i, err);
}

static enum heft_status begin_text(struct writer *w, const char *name, const char *text,
                                   struct heft_error *err)
{
	return begin_member(w, name, text, strlen(text), 0, err);
}

static enum heft_status begin_storages(struct writer *w, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(w->tensors);
	uint32_t n_storages = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct heft_listed *row = heft_listing_row(w->tensors, i);
		char name[24];

		if (row->share != i)
			continue;
		snprintf(name, sizeof name, "data/%u", n_storages++);
		w->members[i] = w->n_members;
		HEFT_TRY(begin_member(w, name, NULL, 0, row->n_bytes, err));
	}
	return HEFT_OK;
}

/* torch.save hashes the names of the members and their CRCs for it; here it tells data.pkl alone,
 * whatever the weights are. */
static enum heft_status begin_identity(struct writer *w, const struct heft_buffer *pickle,
                                       struct heft_error *err)
{
	char id[ID_SIZE + 1];

	snprintf(id, sizeof id, "%020llu%020llu",
	         (unsigned long long)heft_zip_crc(0, pickle->bytes, pickle->size),
	         (unsigned long long)pickle->size);
	return begin_text(w, ".data/serialization_id", id, err);
}

/* Y5-1 */
static enum heft_status begin_all(struct writer *w, const struct heft_buffer *pickle,
                                  struct heft_error *err)
{
	HEFT_TRY(begin_member(w, "data.pkl", pickle->bytes, pickle->size, 0, err));
	HEFT_TRY(begin_text(w, ".format_version", "1", err));
	HEFT_TRY(begin_text(w, ".storage_alignment", "64", err));
	HEFT_TRY(begin_text(w, "byteorder", "little", err));
	HEFT_TRY(begin_storages(w, err));
	HEFT_TRY(begin_text(w, "version", "3\n", err));
	return begin_identity(w, pickle, err);
}

/* --- stages --- */

static enum heft_status writer_init(struct writer *w, const struct heft_write_plan *plan,
                                    struct heft_error *err)
{
	struct heft_torch_emitter e;
	enum heft_status st;

	w->members = heft_alloc_array(heft_listing_n(plan->tensors), sizeof *w->members);
	if (!w->members)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a writer");
	add_folder(&w->name, heft_sink_name(w->sink));
	w->folder_size = w->name.size;
	HEFT_TRY(heft_zip_writer_new(w->sink, &w->zip, err));
	heft_torch_emit_init(&e);
	st = heft_torch_pickle(plan, &e, err);
	if (st == HEFT_OK)
		st = begin_all(w, &e.b, err);
	heft_torch_emit_done(&e);
	return st;
}

static bool is_script(const char *name)
{
	const char *dot = name ? strrchr(name, '.') : NULL;

	return dot && strcmp(dot, ".jit") == 0;
}

enum heft_status heft_torch_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                  uint32_t *order, void **w, struct heft_error *err)
{
	struct writer *writer;
	enum heft_status st;

	if (is_script(heft_sink_name(sink)))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a .jit file is TorchScript, whose code cannot be written: a name "
		                 "that ends with .pt is one of weights alone");
	writer = heft_zalloc(sizeof *writer);
	if (!writer)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a writer");
	writer->sink = sink;
	writer->tensors = plan->tensors;
	heft_buffer_init(&writer->name);
	st = writer_init(writer, plan, err);
	if (st != HEFT_OK) {
		heft_torch_writer_free(writer);
		return st;
	}
	for (uint32_t i = 0; i < heft_listing_n(plan->tensors); i++)
		order[i] = i;
	*w = writer;
	return HEFT_OK;
}

enum heft_status heft_torch_encode(void *w, struct heft_piece *p, struct heft_coder *coder,
                                   uint8_t *scratch, struct heft_error *err)
{
	(void)w;
	(void)coder;
	(void)scratch;
	(void)err;
	p->stored = p->bytes;
	p->stored_size = p->n;
	p->codec = HEFT_CODEC_RAW;
	p->crc = heft_zip_crc(0, p->bytes, p->n);
	return HEFT_OK;
}

/* A tensor's pieces come in order, whichever tensor is first. */
enum heft_status heft_torch_place(void *w, struct heft_piece *p, struct heft_error *err)
{
	struct writer *writer = w;
	const uint32_t member = writer->members[p->tensor_i];

	heft_zip_writer_piece(writer->zip, member, p->crc, p->n, p->n, &p->file_off);
	if (p->off + p->n < heft_listing_row(writer->tensors, p->tensor_i)->n_bytes)
		return HEFT_OK;
	return heft_zip_writer_end(writer->zip, member, err);
}

enum heft_status heft_torch_store(void *w, const struct heft_piece *p, struct heft_error *err)
{
	const struct writer *writer = w;

	return heft_sink_pwrite(writer->sink, p->file_off, p->stored, p->stored_size, err);
}

enum heft_status heft_torch_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                   struct heft_error *err)
{
	struct writer *writer = w;

	(void)leaves;
	(void)first_leaf;
	return heft_zip_writer_finish(writer->zip, err);
}

void heft_torch_writer_free(void *w)
{
	struct writer *writer = w;

	if (!writer)
		return;
	heft_zip_writer_free(writer->zip);
	heft_buffer_done(&writer->name);
	heft_free(writer->members);
	heft_free(writer);
}
