/* SPDX-License-Identifier: Apache-2.0 */
/* course.c - how a training goes: links, epochs, and both as bytes that a checkpoint keeps. */
#include "artifact/course.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cursor.h"
#include "base/error.h"
#include "train/trainer_state.h"

#define MAGIC UINT32_C(0x31534843) /* "CHS1" */
#define MAX_NAME 64u

struct block {
	struct block *next;
	char text[MAX_NAME + 1];
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
	                 "no memory for the course of a training");
}

void heft_course_init(struct heft_course *c)
{
	*c = (struct heft_course){ .n_columns = 0 };
	heft_buffer_init(&c->links);
	heft_buffer_init(&c->cells);
}

void heft_course_done(struct heft_course *c)
{
	struct block *next;

	for (struct block *b = c->blocks; b; b = next) {
		next = b->next;
		heft_free(b);
	}
	heft_buffer_done(&c->links);
	heft_buffer_done(&c->cells);
	heft_course_init(c);
}

uint32_t heft_course_n_links(const struct heft_course *c)
{
	return (uint32_t)(c->links.size / sizeof(struct heft_lineage_link));
}

const struct heft_lineage_link *heft_course_link(const struct heft_course *c, uint32_t i)
{
	return (const struct heft_lineage_link *)(const void *)c->links.bytes + i;
}

struct heft_epochs heft_course_epochs(const struct heft_course *c)
{
	const uint64_t n_cells = c->cells.size / sizeof(double);

	return (struct heft_epochs){
		.columns = c->columns,
		.cells = (const double *)(const void *)c->cells.bytes,
		.n_columns = c->n_columns,
		.n_rows = c->n_columns > 0 ? (uint32_t)(n_cells / c->n_columns) : 0,
	};
}

/* --- what is added --- */

bool heft_course_is_due(const struct heft_trainer *t)
{
	const struct heft_checkpoint_every *every = &t->recipe->checkpoint_every;

	return every->unit == HEFT_EVERY_STEPS && every->n >= 1 && t->step > 0 &&
	       t->position < t->train.n && t->step % (uint64_t)every->n == 0;
}

static enum heft_status add_link(struct heft_course *c, const struct heft_lineage_link *link,
                                 struct heft_error *err)
{
	heft_buffer_add(&c->links, link, sizeof *link);
	return c->links.ok ? HEFT_OK : no_memory(err);
}

enum heft_status heft_course_add_step(struct heft_course *c, struct heft_trainer *t,
                                      struct heft_error *err)
{
	struct heft_lineage_link link = { .n_steps = t->step, .n_epochs = t->epoch };

	link.loss = t->divisor_sum > 0 ? t->loss_sum / t->divisor_sum : 0;
	HEFT_TRY(heft_trainer_digest(t, link.weights_digest, err));
	return add_link(c, &link, err);
}

/* A name of the caller's, for as long as the course lives. */
static enum heft_status keep_name(struct heft_course *c, const char *name, size_t n,
                                  const char **kept, struct heft_error *err)
{
	struct block *b = heft_zalloc(sizeof *b);

	if (!b)
		return no_memory(err);
	memcpy(b->text, name, n < MAX_NAME ? n : MAX_NAME);
	b->next = c->blocks;
	c->blocks = b;
	*kept = b->text;
	return HEFT_OK;
}

static enum heft_status set_columns(struct heft_course *c, const struct heft_epoch_report *r,
                                    struct heft_error *err)
{
	static const char *const first[] = { "epoch", "step", "train_loss", "lr", "val_loss" };
	const uint32_t n = r->val.n > 0 ? 5 : 4;

	for (uint32_t i = 0; i < n; i++)
		c->columns[i] = first[i];
	c->n_columns = n;
	for (uint32_t i = 0; r->val.n > 0 && i < r->val.n_metrics; i++) {
		const char *name = r->val.metrics[i].name;

		HEFT_TRY(keep_name(c, name, strlen(name), &c->columns[c->n_columns], err));
		c->n_columns++;
	}
	return HEFT_OK;
}

static void set_metrics(struct heft_course *c, const struct heft_epoch_report *r)
{
	c->n_metrics = 0;
	c->metrics[c->n_metrics++] = (struct heft_lineage_metric){ "train_loss", r->train_loss };
	if (r->val.n == 0)
		return;
	c->metrics[c->n_metrics++] = (struct heft_lineage_metric){ "val_loss", r->val.loss };
	for (uint32_t i = 5; i < c->n_columns && c->n_metrics <= HEFT_TRAIN_MAX_METRICS; i++)
		c->metrics[c->n_metrics++] = (struct heft_lineage_metric){
			c->columns[i], r->val.metrics[i - 5].value
		};
}

enum heft_status heft_course_add_epoch(struct heft_course *c, const struct heft_trainer *t,
                                       const struct heft_epoch_report *r, struct heft_error *err)
{
	uint64_t kept_epoch;
	uint64_t kept_step;
	struct heft_lineage_link link = { .n_steps = r->step,
		                          .n_epochs = r->epoch,
		                          .loss = r->train_loss };
	double row[HEFT_COURSE_MAX_COLUMNS] = { (double)r->epoch, (double)r->step, r->train_loss,
		                                r->lr, r->val.loss };

	if (c->n_columns == 0)
		HEFT_TRY(set_columns(c, r, err));
	for (uint32_t i = 5; i < c->n_columns; i++)
		row[i] = r->val.metrics[i - 5].value;
	heft_buffer_add(&c->cells, row, c->n_columns * sizeof *row);
	if (!c->cells.ok)
		return no_memory(err);
	heft_trainer_result_at(t, &kept_epoch, &kept_step);
	if (kept_epoch == r->epoch)
		set_metrics(c, r);
	memcpy(link.weights_digest, r->weights_digest, sizeof link.weights_digest);
	return add_link(c, &link, err);
}

/* --- as bytes --- */

static void add_name(struct heft_buffer *b, const char *name)
{
	const size_t n = strlen(name);

	heft_buffer_add_le32(b, (uint32_t)(n < MAX_NAME ? n : MAX_NAME));
	heft_buffer_add(b, name, n < MAX_NAME ? n : MAX_NAME);
}

static void add_real(struct heft_buffer *b, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	heft_buffer_add_le64(b, bits);
}

enum heft_status heft_course_keep(const struct heft_course *c, const struct heft_lineage_data *data,
                                  uint32_t n_data, struct heft_trainer *t, struct heft_error *err)
{
	const struct heft_epochs e = heft_course_epochs(c);
	struct heft_buffer *b = &t->history;

	heft_buffer_done(b);
	heft_buffer_init(b);
	heft_buffer_add_le32(b, MAGIC);
	heft_buffer_add_le32(b, n_data);
	for (uint32_t i = 0; i < n_data; i++)
		heft_buffer_add(b, data[i].digest, HEFT_DIGEST_SIZE);
	heft_buffer_add_le32(b, heft_course_n_links(c));
	for (uint32_t i = 0; i < heft_course_n_links(c); i++) {
		const struct heft_lineage_link *link = heft_course_link(c, i);

		heft_buffer_add_le64(b, link->n_steps);
		heft_buffer_add_le64(b, link->n_epochs);
		add_real(b, link->loss);
		heft_buffer_add(b, link->weights_digest, HEFT_DIGEST_SIZE);
	}
	heft_buffer_add_le32(b, e.n_columns);
	for (uint32_t i = 0; i < e.n_columns; i++)
		add_name(b, e.columns[i]);
	heft_buffer_add_le32(b, e.n_rows);
	for (uint64_t i = 0; i < (uint64_t)e.n_rows * e.n_columns; i++)
		add_real(b, e.cells[i]);
	heft_buffer_add_le32(b, c->n_metrics);
	for (uint32_t i = 0; i < c->n_metrics; i++) {
		add_name(b, c->metrics[i].name);
		add_real(b, c->metrics[i].value);
	}
	return b->ok ? HEFT_OK : no_memory(err);
}

static double get_real(struct heft_cursor *r)
{
	const uint64_t bits = heft_cursor_u64(r);
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static enum heft_status damaged(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
	                 "what the checkpoint tells of the run so far is damaged");
}

static enum heft_status get_name(struct heft_course *c, struct heft_cursor *r, const char **name,
                                 struct heft_error *err)
{
	const uint32_t n = heft_cursor_u32(r);
	const uint8_t *bytes = n <= MAX_NAME ? heft_cursor_bytes(r, n) : NULL;

	if (!bytes)
		return damaged(err);
	return keep_name(c, (const char *)bytes, n, name, err);
}

static enum heft_status get_links(struct heft_course *c, struct heft_cursor *r,
                                  struct heft_error *err)
{
	const uint32_t n = heft_cursor_u32(r);

	for (uint32_t i = 0; i < n; i++) {
		struct heft_lineage_link link = { .n_steps = heft_cursor_u64(r) };
		const uint8_t *digest;

		link.n_epochs = heft_cursor_u64(r);
		link.loss = get_real(r);
		digest = heft_cursor_bytes(r, HEFT_DIGEST_SIZE);
		if (!digest)
			return damaged(err);
		memcpy(link.weights_digest, digest, HEFT_DIGEST_SIZE);
		HEFT_TRY(add_link(c, &link, err));
	}
	return HEFT_OK;
}

static enum heft_status get_epochs(struct heft_course *c, struct heft_cursor *r,
                                   struct heft_error *err)
{
	const uint32_t n = heft_cursor_u32(r);
	uint32_t n_rows;

	if (n > HEFT_COURSE_MAX_COLUMNS)
		return damaged(err);
	for (uint32_t i = 0; i < n; i++)
		HEFT_TRY(get_name(c, r, &c->columns[i], err));
	c->n_columns = n;
	n_rows = heft_cursor_u32(r);
	for (uint64_t i = 0; i < (uint64_t)n_rows * n; i++) {
		const double value = get_real(r);

		if (!r->ok)
			return damaged(err);
		heft_buffer_add(&c->cells, &value, sizeof value);
	}
	return c->cells.ok ? HEFT_OK : no_memory(err);
}

static enum heft_status get_metrics(struct heft_course *c, struct heft_cursor *r,
                                    struct heft_error *err)
{
	const uint32_t n = heft_cursor_u32(r);

	if (n > sizeof c->metrics / sizeof *c->metrics)
		return damaged(err);
	for (uint32_t i = 0; i < n; i++) {
		HEFT_TRY(get_name(c, r, &c->metrics[i].name, err));
		c->metrics[i].value = get_real(r);
	}
	c->n_metrics = n;
	return HEFT_OK;
}

enum heft_status heft_course_recall(struct heft_course *c, const struct heft_lineage_data *data,
                                    uint32_t n_data, const struct heft_trainer *t,
                                    struct heft_error *err)
{
	struct heft_cursor r;

	heft_cursor_init(&r, t->history.bytes, t->history.size, 0);
	if (heft_cursor_u32(&r) != MAGIC)
		return damaged(err);
	if (heft_cursor_u32(&r) != n_data)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "it is a checkpoint of other data");
	for (uint32_t i = 0; i < n_data; i++) {
		const uint8_t *digest = heft_cursor_bytes(&r, HEFT_DIGEST_SIZE);

		if (!digest)
			return damaged(err);
		if (memcmp(digest, data[i].digest, HEFT_DIGEST_SIZE) != 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "it is a checkpoint of other data: the digest of the %s "
			                 "data differs",
			                 data[i].use);
	}
	HEFT_TRY(get_links(c, &r, err));
	HEFT_TRY(get_epochs(c, &r, err));
	HEFT_TRY(get_metrics(c, &r, err));
	return r.ok && heft_cursor_left(&r) == 0 ? HEFT_OK : damaged(err);
}
