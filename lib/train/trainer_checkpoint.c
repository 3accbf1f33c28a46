/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trainer_checkpoint.c - saves a trainer and goes on from there: a heft file with the weights that
 * are trained, in space `optimizer` what the optimiser remembers (NAME.STATE), in space `state` the
 * best weights, and in the metadata, under "heft.checkpoint", where the run was.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/json_pull.h"
#include "heft/write.h"
#include "train/trainer_state.h"

#define KEY "heft.checkpoint"
#define NAME_MAX_SIZE 1024
#define HISTORY_MAX_SIZE (UINT64_C(64) << 20)

/* --- where it is --- */

/* A number of where the run is: whole, or the bits of a binary64. */
struct field {
	const char *key;
	size_t at;
	bool is_real;
};

#define WHOLE(name)                                               \
	{                                                         \
#name, offsetof(struct heft_trainer, name), false \
	}
#define REAL(name)                                               \
	{                                                        \
#name, offsetof(struct heft_trainer, name), true \
	}

static const struct field fields[] = {
	WHOLE(step),
	WHOLE(epoch),
	WHOLE(position),
	REAL(loss_sum),
	REAL(divisor_sum),
	{ "optimizer_step", offsetof(struct heft_trainer, clock.step), false },
	{ "beta1_power", offsetof(struct heft_trainer, clock.beta1_power), true },
	{ "beta2_power", offsetof(struct heft_trainer, clock.beta2_power), true },
	WHOLE(n_skipped),
	REAL(best),
	WHOLE(best_epoch),
	WHOLE(best_step),
	WHOLE(n_bad),
	WHOLE(n_worse),
	REAL(last_lr),
	REAL(last_train),
	REAL(last_val),
};
#define N_FIELDS (sizeof fields / sizeof *fields)

/* --- saving --- */

static void add_place(const struct heft_trainer *t, struct heft_buffer *b)
{
	char hex[2 * HEFT_TRAIN_DIGEST_SIZE + 1];

	heft_hex(t->start_digest, HEFT_TRAIN_DIGEST_SIZE, hex);
	heft_buffer_addf(b,
	                 "{\"" KEY "\":{\"version\":1,\"model\":\"%s\",\"n_train\":%" PRIu64
	                 ",\"n_val\":%" PRIu64 ",\"is_over\":%s",
	                 hex, t->train.n, t->val.n, t->is_over ? "true" : "false");
	for (size_t i = 0; i < N_FIELDS; i++) {
		uint64_t bits;

		memcpy(&bits, (const uint8_t *)t + fields[i].at, sizeof bits);
		heft_buffer_addf(b,
		                 fields[i].is_real ? ",\"%s\":\"%016" PRIx64 "\""
		                                   : ",\"%s\":%" PRIu64,
		                 fields[i].key, bits);
	}
	heft_buffer_addf(b, ",\"recipe\":");
	heft_recipe_add_text(t->recipe, 0, b);
	heft_buffer_addf(b, "}}");
	heft_buffer_add_u8(b, 0);
}

/* One array of a trained tensor, as a tensor of the checkpoint. */
typedef enum heft_status array_fn(void *ctx, const struct heft_tensor *tensor, void *bytes,
                                  struct heft_error *err);

static enum heft_status each_array(const struct heft_trainer *t, array_fn *fn, void *ctx,
                                   struct heft_error *err)
{
	const struct heft_optimizer *o = t->recipe->optimizer;
	const uint32_t n_states = o->n_states(t->recipe);
	char name[NAME_MAX_SIZE];

	for (uint32_t i = 0; i < t->n_tensors; i++) {
		const struct heft_trained *row = &t->tensors[i];
		struct heft_tensor tensor = row->tensor;

		if (!row->is_trained)
			continue;
		tensor.space = HEFT_SPACE_WEIGHTS;
		HEFT_TRY(fn(ctx, &tensor, row->values, err));
		tensor.space = HEFT_SPACE_STATE;
		if (row->best)
			HEFT_TRY(fn(ctx, &tensor, row->best, err));
		tensor.space = HEFT_SPACE_OPTIMIZER;
		tensor.name = name;
		for (uint32_t k = 0; k < n_states; k++) {
			if (snprintf(name, sizeof name, "%s.%s", row->tensor.name,
			             o->state_names[k]) >= (int)sizeof name)
				return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
				                 "the name '%.60s' is too long for a checkpoint",
				                 row->tensor.name);
			HEFT_TRY(fn(ctx, &tensor, row->states[k], err));
		}
	}
	return HEFT_OK;
}

struct saving {
	struct heft_writer *writer;
	uint32_t n;
};

static enum heft_status declare(void *ctx, const struct heft_tensor *tensor, void *bytes,
                                struct heft_error *err)
{
	struct saving *s = ctx;

	(void)bytes;
	return heft_declare(s->writer, tensor, err);
}

static enum heft_status put(void *ctx, const struct heft_tensor *tensor, void *bytes,
                            struct heft_error *err)
{
	struct saving *s = ctx;

	return heft_put(s->writer, s->n++, bytes, (size_t)tensor->n_bytes, err);
}

/* The history, as a tensor behind the others. */
static void describe_history(const struct heft_trainer *t, struct heft_tensor *tensor)
{
	*tensor = (struct heft_tensor){
		.name = HEFT_TRAINER_HISTORY,
		.space = HEFT_SPACE_STATE,
		.dtype = HEFT_DTYPE_U8,
		.rank = 1,
		.dims = { t->history.size },
		.n_elements = t->history.size,
		.n_bytes = t->history.size,
	};
}

static enum heft_status write_all(const struct heft_trainer *t, struct saving *s, const char *json,
                                  struct heft_error *err)
{
	struct heft_tensor history;

	describe_history(t, &history);
	HEFT_TRY(heft_set_metadata(s->writer, json, err));
	HEFT_TRY(each_array(t, declare, s, err));
	if (history.n_bytes > 0)
		HEFT_TRY(declare(s, &history, NULL, err));
	HEFT_TRY(each_array(t, put, s, err));
	return history.n_bytes > 0 ? put(s, &history, t->history.bytes, err) : HEFT_OK;
}

enum heft_status heft_trainer_save(struct heft_trainer *t, const char *path, struct heft_error *err)
{
	const struct heft_write_options options = { .overwrite = true };
	struct saving s = { 0 };
	struct heft_buffer json;
	enum heft_status st;

	heft_buffer_init(&json);
	add_place(t, &json);
	st = json.ok ? heft_create(path, "heft", &options, &s.writer, err)
	             : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a checkpoint");
	if (st == HEFT_OK) {
		st = write_all(t, &s, (const char *)json.bytes, err);
		if (st == HEFT_OK)
			st = heft_commit(s.writer, NULL, err);
		else
			heft_discard(s.writer);
	}
	heft_buffer_done(&json);
	return st;
}

/* --- resuming --- */

/* What a checkpoint says. */
struct place {
	char model[2 * HEFT_TRAIN_DIGEST_SIZE + 1];
	uint64_t version;
	uint64_t n_train;
	uint64_t n_val;
	uint64_t numbers[N_FIELDS];
	uint32_t n_numbers; /* that were there */
	bool is_over;
	const char *recipe; /* in the metadata */
};

static enum heft_status damaged(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
	                 "its metadata '" KEY "' is not what a checkpoint has");
}

static void take_text(struct place *p, const char *key, const struct heft_json_token *token)
{
	char text[2 * HEFT_TRAIN_DIGEST_SIZE + 1] = "";
	char *end;

	if (token->text_size >= sizeof text)
		return;
	memcpy(text, token->text, token->text_size);
	if (strcmp(key, "model") == 0)
		memcpy(p->model, text, sizeof text);
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (!fields[i].is_real || strcmp(key, fields[i].key) != 0)
			continue;
		p->numbers[i] = strtoull(text, &end, 16);
		p->n_numbers += *end == '\0' && token->text_size == 16;
	}
}

static void take_number(struct place *p, const char *key, const struct heft_json_token *token)
{
	uint64_t number;

	if (!heft_json_u64(token, &number))
		return;
	if (strcmp(key, "version") == 0)
		p->version = number;
	else if (strcmp(key, "n_train") == 0)
		p->n_train = number;
	else if (strcmp(key, "n_val") == 0)
		p->n_val = number;
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (fields[i].is_real || strcmp(key, fields[i].key) != 0)
			continue;
		p->numbers[i] = number;
		p->n_numbers++;
	}
}

/* The members of the object that "heft.checkpoint" is. */
static enum heft_status read_members(struct heft_json *j, const char *json, struct place *p,
                                     struct heft_error *err)
{
	struct heft_json_token token;
	char key[64];

	for (;;) {
		HEFT_TRY(heft_json_next(j, &token, err));
		if (token.kind == HEFT_JSON_OBJECT_END)
			return HEFT_OK;
		snprintf(key, sizeof key, "%.*s",
		         (int)(token.text_size < 63 ? token.text_size : 63), token.text);
		HEFT_TRY(heft_json_next(j, &token, err));
		if (token.kind == HEFT_JSON_STRING)
			take_text(p, key, &token);
		else if (token.kind == HEFT_JSON_NUMBER)
			take_number(p, key, &token);
		else if (token.kind == HEFT_JSON_TRUE)
			p->is_over = p->is_over || strcmp(key, "is_over") == 0;
		if (token.kind == HEFT_JSON_OBJECT && strcmp(key, "recipe") == 0)
			p->recipe = json + token.pos;
		HEFT_TRY(heft_json_skip(j, &token, err));
	}
}

static enum heft_status read_object(struct heft_json *j, const char *json, struct place *p,
                                    struct heft_error *err)
{
	struct heft_json_token token;

	HEFT_TRY(heft_json_next(j, &token, err));
	for (;;) {
		bool is_it;

		HEFT_TRY(heft_json_next(j, &token, err));
		if (token.kind != HEFT_JSON_KEY)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "it is no checkpoint: its metadata has no '" KEY "'");
		is_it = token.text_size == strlen(KEY) && memcmp(token.text, KEY, strlen(KEY)) == 0;
		HEFT_TRY(heft_json_next(j, &token, err));
		if (is_it && token.kind == HEFT_JSON_OBJECT)
			return read_members(j, json, p, err);
		HEFT_TRY(heft_json_skip(j, &token, err));
	}
}

static enum heft_status read_place(struct heft_file *file, struct place *p, struct heft_error *err)
{
	const char *json;
	struct heft_json *j;
	enum heft_status st;

	HEFT_TRY(heft_metadata(file, &json, err));
	HEFT_TRY(heft_json_new(json, strlen(json), 0, NULL, &j, err));
	st = read_object(j, json, p, err);
	heft_json_free(j);
	if (st == HEFT_OK && (p->version != 1 || p->n_numbers != N_FIELDS || !p->recipe))
		st = damaged(err);
	return st;
}

/* The key in front of the first byte that differs. */
static void name_difference(const char *a, const char *b, char *key, size_t room)
{
	size_t i = 0;
	size_t from;

	while (a[i] != '\0' && a[i] == b[i])
		i++;
	while (i > 0 && !(a[i] == '"' && a[i + 1] == ':'))
		i--;
	from = i;
	while (from > 0 && a[from - 1] != '"')
		from--;
	snprintf(key, room, "%.*s", (int)(i - from), a + from);
}

static enum heft_status check_place(const struct heft_trainer *t, const struct place *p,
                                    struct heft_error *err)
{
	char hex[2 * HEFT_TRAIN_DIGEST_SIZE + 1];
	struct heft_buffer recipe;
	enum heft_status st = HEFT_OK;

	heft_hex(t->start_digest, HEFT_TRAIN_DIGEST_SIZE, hex);
	if (strcmp(hex, p->model) != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "it is a checkpoint of another model: that began with weights "
		                 "%.16s..., and these are %.16s...",
		                 p->model, hex);
	if (p->n_train != t->train.n || p->n_val != t->val.n)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "it is a checkpoint of other data: of %" PRIu64
		                 " samples and %" PRIu64 " for validation, and here are %" PRIu64
		                 " and %" PRIu64,
		                 p->n_train, p->n_val, t->train.n, t->val.n);
	heft_buffer_init(&recipe);
	heft_recipe_add_text(t->recipe, 0, &recipe);
	heft_buffer_add_u8(&recipe, 0);
	if (!recipe.ok) {
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	} else if (strncmp((const char *)recipe.bytes, p->recipe, recipe.size - 1) != 0) {
		char key[64];

		name_difference((const char *)recipe.bytes, p->recipe, key, sizeof key);
		st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		               "it is a checkpoint of another recipe: '%s' differs", key);
	}
	heft_buffer_done(&recipe);
	return st;
}

/* Finds the arrays, and then reads them: nothing is changed unless all are there. */
struct loading {
	struct heft_file *file;
	bool reads;
};

static enum heft_status load(void *ctx, const struct heft_tensor *tensor, void *bytes,
                             struct heft_error *err)
{
	const struct loading *l = ctx;
	struct heft_tensor found;

	HEFT_TRY(heft_find_in(l->file, tensor->space, tensor->name, &found, err));
	if (found.dtype != tensor->dtype || found.n_bytes != tensor->n_bytes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "its tensor '%.100s' is of another dtype or shape", tensor->name);
	if (!l->reads)
		return HEFT_OK;
	return heft_read(l->file, &found, 0, bytes, (size_t)found.n_bytes, err);
}

/* Into `history`, which is empty: nothing where there is none. */
static enum heft_status read_history(struct heft_file *file, struct heft_buffer *history,
                                     struct heft_error *err)
{
	struct heft_tensor found;

	if (heft_find_in(file, HEFT_SPACE_STATE, HEFT_TRAINER_HISTORY, &found, NULL) != HEFT_OK)
		return HEFT_OK;
	if (found.dtype != HEFT_DTYPE_U8 || found.n_bytes > HISTORY_MAX_SIZE)
		return damaged(err);
	if (!heft_buffer_reserve(history, (size_t)found.n_bytes))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a history");
	history->size = (size_t)found.n_bytes;
	return heft_read(file, &found, 0, history->bytes, history->size, err);
}

static enum heft_status resume(struct heft_trainer *t, struct heft_file *file,
                               struct heft_buffer *history, struct heft_error *err)
{
	struct place p = { .model = "" };
	struct loading l = { .file = file };

	HEFT_TRY(read_place(file, &p, err));
	HEFT_TRY(check_place(t, &p, err));
	HEFT_TRY(each_array(t, load, &l, err));
	HEFT_TRY(read_history(file, history, err));
	l.reads = true;
	HEFT_TRY(each_array(t, load, &l, err));
	for (size_t i = 0; i < N_FIELDS; i++)
		memcpy((uint8_t *)t + fields[i].at, &p.numbers[i], sizeof p.numbers[i]);
	t->is_over = p.is_over;
	return HEFT_OK;
}

enum heft_status heft_trainer_resume(struct heft_trainer *t, const char *path,
                                     struct heft_error *err)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_VERIFY };
	struct heft_buffer history;
	struct heft_file *file;
	enum heft_status st;

	HEFT_TRY(heft_open(path, &options, &file, err));
	heft_buffer_init(&history);
	st = resume(t, file, &history, err);
	heft_close(file);
	if (st != HEFT_OK) {
		heft_buffer_done(&history);
		return st;
	}
	heft_buffer_done(&t->history);
	t->history = history;
	return HEFT_OK;
}
