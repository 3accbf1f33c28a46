/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_tensor.c - the statements of a tensor and its chunks (spec/text.md). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/pack_model.h"
#include "tensor/dtype.h"

static enum heft_status wrong(const struct heft_pack_line *line, struct heft_error *err,
                              const char *what)
{
	return heft_fail(err, HEFT_E_CORRUPT, line->number, "%s", what);
}

static enum heft_status no_memory(const struct heft_pack_line *line, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a statement");
}

/* A string whose bytes the caller takes over; a NUL stands behind them. */
static enum heft_status take_name(struct heft_pack_line *line, char **name, size_t *size,
                                  struct heft_error *err)
{
	struct heft_buffer b;
	enum heft_status st;

	heft_buffer_init(&b);
	st = heft_pack_string(line, &b, err);
	if (st == HEFT_OK) {
		*name = (char *)heft_buffer_take(&b, size);
		if (!*name)
			st = no_memory(line, err);
	}
	heft_buffer_done(&b);
	return st;
}

static enum heft_status take_ref(struct heft_pack_line *line, struct heft_pack_ref *ref,
                                 struct heft_error *err)
{
	if (ref->is_stated)
		return wrong(line, err, "this was said before");
	ref->is_stated = true;
	if (!heft_pack_at_end(line) && *line->at == '"')
		return take_name(line, &ref->name, &ref->name_size, err);
	return heft_pack_number(line, "the tensor", UINT32_MAX, &ref->number, err);
}

static enum heft_status take_space(struct heft_pack_line *line, uint8_t *space,
                                   struct heft_error *err)
{
	const char *word;
	size_t size;
	uint64_t number = 0;

	if (!heft_pack_word(line, &word, &size))
		return wrong(line, err, "a space is missing");
	while (number <= HEFT_SPACE_STATE &&
	       !heft_pack_word_is(word, size, heft_space_name((enum heft_space)number)))
		number++;
	if (number > HEFT_SPACE_STATE &&
	    (!heft_pack_word_number(word, size, &number) || number > UINT8_MAX))
		return wrong(line, err,
		             "a space is weights, optimizer, state or a number below 256");
	*space = (uint8_t)number;
	return HEFT_OK;
}

static enum heft_status take_dtype(struct heft_pack_line *line, uint16_t *dtype,
                                   struct heft_error *err)
{
	char name[24];
	const char *word;
	size_t size;
	uint64_t number;

	if (!heft_pack_word(line, &word, &size))
		return wrong(line, err, "a dtype is missing");
	if (!heft_pack_word_number(word, size, &number)) {
		number = HEFT_DTYPE_NONE;
		if (size < sizeof name) {
			memcpy(name, word, size);
			name[size] = '\0';
			number = heft_dtype_from_name(name);
		}
		if (number == HEFT_DTYPE_NONE)
			return wrong(line, err, "there is no dtype of that name");
	}
	if (number > UINT16_MAX)
		return wrong(line, err, "a dtype's number is below 65,536");
	*dtype = (uint16_t)number;
	return HEFT_OK;
}

static enum heft_status take_dims(struct heft_pack_line *line, struct heft_pack_tensor *t,
                                  struct heft_error *err)
{
	if (!heft_pack_take(line, '['))
		return wrong(line, err, "the dimensions are missing, as in [2,3]; [] is a scalar");
	if (heft_pack_take(line, ']'))
		return HEFT_OK;
	do {
		if (t->rank == HEFT_PACK_MAX_RANK)
			return wrong(line, err, "a text takes at most 40 dimensions");
		HEFT_TRY(heft_pack_number(line, "a dimension", UINT64_MAX, &t->dims[t->rank], err));
		t->rank++;
	} while (heft_pack_take(line, ','));
	return heft_pack_take(line, ']') ? HEFT_OK
	                                 : wrong(line, err, "] is missing behind the dimensions");
}

static enum heft_status take_attribute(struct heft_pack_line *line, struct heft_pack_tensor *t,
                                       struct heft_pack_run *run, struct heft_error *err)
{
	const char *word;
	size_t size;
	uint64_t unit;

	if (!heft_pack_word(line, &word, &size))
		return wrong(line, err,
		             "an attribute is one of coded, space=, tie=, share=, unit=");
	if (heft_pack_word_is(word, size, "coded")) {
		run->is_coded = true;
		return HEFT_OK;
	}
	if (!heft_pack_take(line, '='))
		return wrong(line, err,
		             "an attribute is one of coded, space=, tie=, share=, unit=");
	if (heft_pack_word_is(word, size, "space"))
		return take_space(line, &t->space, err);
	if (heft_pack_word_is(word, size, "tie"))
		return take_ref(line, &t->tie, err);
	if (heft_pack_word_is(word, size, "share"))
		return take_ref(line, &t->share, err);
	if (!heft_pack_word_is(word, size, "unit"))
		return wrong(line, err,
		             "an attribute is one of coded, space=, tie=, share=, unit=");
	HEFT_TRY(heft_pack_number(line, "the unit", HEFT_CHUNK_MAX, &unit, err));
	if (unit == 0)
		return wrong(line, err, "a unit is at least 1");
	t->unit = (uint32_t)unit;
	return HEFT_OK;
}

/* The tensor of an earlier generation that this one takes the place of, or the end of the list. */
static size_t find_replaced(const struct heft_packer *p, const struct heft_pack_tensor *t)
{
	size_t i = p->n_built > 0 ? 0 : p->n_tensors;

	while (i < p->n_tensors &&
	       (p->tensors[i].generation == p->n_built || p->tensors[i].space != t->space ||
	        p->tensors[i].name_size != t->name_size ||
	        memcmp(p->tensors[i].name, t->name, t->name_size) != 0))
		i++;
	return i;
}

static void free_tensor(struct heft_pack_tensor *t)
{
	heft_free(t->name);
	heft_free(t->tie.name);
	heft_free(t->share.name);
}

/* Puts the tensor into the list; the target of the data lines is the last one with its own run. */
static enum heft_status add_tensor(struct heft_packer *p, struct heft_pack_line *line,
                                   const struct heft_pack_tensor *t,
                                   const struct heft_pack_run *run, struct heft_error *err)
{
	const size_t i = find_replaced(p, t);

	if (!heft_pack_grow(&p->runs, p->n_runs, sizeof *run))
		return no_memory(line, err);
	if (i == p->n_tensors && !heft_pack_grow(&p->tensors, p->n_tensors, sizeof *t))
		return no_memory(line, err);
	if (i == p->n_tensors)
		p->n_tensors++;
	else
		free_tensor(&p->tensors[i]);
	p->tensors[i] = *t;
	p->tensors[i].own_run = p->n_runs;
	p->runs[p->n_runs] = *run;
	p->n_runs++;
	p->target = HEFT_PACK_TO_TENSOR;
	return HEFT_OK;
}

static enum heft_status take_tensor(struct heft_pack_line *line, struct heft_pack_tensor *t,
                                    struct heft_pack_run *run, struct heft_error *err)
{
	const struct heft_dtype_info *info;

	HEFT_TRY(take_name(line, &t->name, &t->name_size, err));
	HEFT_TRY(take_dtype(line, &t->dtype, err));
	HEFT_TRY(take_dims(line, t, err));
	info = heft_dtype_describe((enum heft_dtype)t->dtype);
	t->unit = info ? info->n_bytes : 1;
	while (!heft_pack_at_end(line))
		HEFT_TRY(take_attribute(line, t, run, err));
	run->unit = t->unit;
	return HEFT_OK;
}

enum heft_status heft_pack_state_tensor(struct heft_packer *p, struct heft_pack_line *line,
                                        struct heft_error *err)
{
	struct heft_pack_tensor t = { .line = line->number, .generation = p->n_built };
	struct heft_pack_run run = { .unit = 1 };
	enum heft_status st;

	heft_buffer_init(&run.logical);
	heft_buffer_init(&run.leaves);
	st = take_tensor(line, &t, &run, err);
	if (st == HEFT_OK)
		st = add_tensor(p, line, &t, &run, err);
	if (st != HEFT_OK)
		free_tensor(&t);
	return st;
}

enum heft_status heft_pack_state_delete(struct heft_packer *p, struct heft_pack_line *line,
                                        struct heft_error *err)
{
	struct heft_pack_tensor t = { 0 };
	enum heft_status st = take_name(line, &t.name, &t.name_size, err);
	size_t i;

	if (st == HEFT_OK && !heft_pack_at_end(line))
		st = take_space(line, &t.space, err);
	if (st == HEFT_OK)
		st = heft_pack_need_end(line, err);
	i = st == HEFT_OK ? find_replaced(p, &t) : 0;
	free_tensor(&t);
	if (st != HEFT_OK)
		return st;
	if (i == p->n_tensors)
		return wrong(line, err, "no earlier generation has this tensor");
	free_tensor(&p->tensors[i]);
	memmove(&p->tensors[i], &p->tensors[i + 1], (p->n_tensors - i - 1) * sizeof *p->tensors);
	p->n_tensors--;
	return HEFT_OK;
}

static enum heft_status take_codec(struct heft_pack_line *line, uint8_t *codec,
                                   struct heft_error *err)
{
	static const char *const names[] = { "raw", "zero", "zstd", "planes", "delta" };
	const char *word;
	size_t size;
	uint64_t number = 0;

	if (!heft_pack_word(line, &word, &size))
		return wrong(line, err, "a codec is missing");
	while (number < sizeof names / sizeof *names &&
	       !heft_pack_word_is(word, size, names[number]))
		number++;
	if (number == sizeof names / sizeof *names &&
	    (!heft_pack_word_number(word, size, &number) || number > UINT8_MAX))
		return wrong(line, err, "a codec is raw, zero, zstd or a number below 256");
	*codec = (uint8_t)number;
	return heft_pack_need_end(line, err);
}

/* The next chunk of the tensor that was stated last. */
enum heft_status heft_pack_state_chunk(struct heft_packer *p, struct heft_pack_line *line,
                                       struct heft_error *err)
{
	struct heft_pack_run *run;
	uint8_t codec = HEFT_CODEC_RAW;

	if (p->target != HEFT_PACK_TO_TENSOR && p->target != HEFT_PACK_TO_CHUNK)
		return wrong(line, err, "a chunk belongs to a tensor, and none stands before it");
	run = &p->runs[p->n_runs - 1];
	if (!run->is_coded)
		return wrong(line, err, "only a tensor that says 'coded' has chunks");
	HEFT_TRY(take_codec(line, &codec, err));
	if (!heft_pack_grow(&run->chunks, run->n_chunks, sizeof *run->chunks))
		return no_memory(line, err);
	run->chunks[run->n_chunks].line = line->number;
	run->chunks[run->n_chunks].codec = codec;
	heft_buffer_init(&run->chunks[run->n_chunks].stored);
	run->n_chunks++;
	p->target = HEFT_PACK_TO_CHUNK;
	return HEFT_OK;
}
