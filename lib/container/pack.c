/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack.c - heft_pack: reads a text line by line, and writes the file that it
 * describes. */
#include "container/pack.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/sink.h"
#include "container/layout.h"
#include "container/pack_model.h"

/* What a text may state, so that a slip of the pen does not eat the machine's memory: 64 GiB. */
#define MAX_STATED (UINT64_C(64) << 30)

static enum heft_status init_packer(struct heft_packer *p, uint64_t max_size,
                                    struct heft_error *err)
{
	*p = (struct heft_packer){
		.bytes_left = max_size, .number = 1, .log2_alignment = 6, .slot = UINT64_MAX
	};
	heft_buffer_init(&p->skip);
	heft_buffer_init(&p->file);
	heft_buffer_add_zeros(&p->file, HEFT_DATA_START);
	if (!p->file.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory to assemble the file");
	return heft_sha256_new(&p->hash, err);
}

static void free_runs(struct heft_packer *p)
{
	for (size_t i = 0; i < p->n_runs; i++) {
		for (size_t j = 0; j < p->runs[i].n_chunks; j++)
			heft_buffer_done(&p->runs[i].chunks[j].stored);
		heft_free(p->runs[i].chunks);
		heft_buffer_done(&p->runs[i].leaves);
		heft_buffer_done(&p->runs[i].logical);
	}
	heft_free(p->runs);
}

static void free_tensors(struct heft_packer *p)
{
	for (size_t i = 0; i < p->n_tensors; i++) {
		heft_free(p->tensors[i].name);
		heft_free(p->tensors[i].tie.name);
		heft_free(p->tensors[i].share.name);
	}
	heft_free(p->tensors);
}

static void free_packer(struct heft_packer *p)
{
	free_tensors(p);
	free_runs(p);
	for (size_t i = 0; i < p->n_sections; i++) {
		heft_buffer_done(&p->sections[i].plain);
		heft_buffer_done(&p->sections[i].stored);
	}
	heft_free(p->sections);
	for (size_t i = 0; i < p->n_sets; i++)
		heft_free(p->sets[i].bytes);
	heft_free(p->sets);
	heft_free(p->resizes);
	for (size_t i = 0; i < p->n_damages; i++)
		heft_buffer_done(&p->damages[i].bytes);
	heft_free(p->damages);
	heft_free(p->kept);
	heft_buffer_done(&p->skip);
	heft_buffer_done(&p->file);
	heft_sha256_free(p->hash);
	heft_coder_free(p->coder);
}

static enum heft_status read_text(struct heft_packer *p, const char *text, size_t text_size,
                                  struct heft_error *err)
{
	const char *const end = text + text_size;
	struct heft_pack_line line = { .number = 0 };

	while (heft_pack_next_line(&text, end, &line))
		HEFT_TRY(heft_pack_statement(p, &line, err));
	if (!p->has_version)
		return heft_fail(err, HEFT_E_CORRUPT, line.number,
		                 "a text begins with the line 'heft-text 1'");
	HEFT_TRY(heft_pack_build(p, err));
	return heft_pack_damage(p, err);
}

enum heft_status heft_pack_bytes(const char *text, size_t text_size, uint64_t max_size,
                                 struct heft_buffer *file, struct heft_error *err)
{
	struct heft_packer p;
	enum heft_status st = init_packer(&p, max_size, err);

	if (st == HEFT_OK)
		st = read_text(&p, text, text_size, err);
	if (st == HEFT_OK) {
		*file = p.file;
		heft_buffer_init(&p.file);
	}
	free_packer(&p);
	return st;
}

static enum heft_status write_file(const char *path, bool overwrite, const struct heft_buffer *file,
                                   struct heft_error *err)
{
	const struct heft_sink_options options = { .overwrite = overwrite };
	struct heft_sink *sink;
	enum heft_status st;

	HEFT_TRY(heft_sink_open(path, &options, &sink, err));
	st = heft_sink_append(sink, file->bytes, file->size, err);
	if (st == HEFT_OK)
		return heft_sink_commit(sink, err);
	heft_sink_discard(sink);
	return st;
}

enum heft_status heft_pack(const char *text, size_t text_size, const char *path, bool overwrite,
                           struct heft_error *err)
{
	struct heft_buffer file;
	enum heft_status st;

	heft_buffer_init(&file);
	st = heft_pack_bytes(text, text_size, MAX_STATED, &file, err);
	if (st == HEFT_OK)
		st = write_file(path, overwrite, &file, err);
	heft_buffer_done(&file);
	return st;
}
