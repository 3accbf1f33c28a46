/* SPDX-License-Identifier: Apache-2.0 */
/* lineage.c - a lineage as a list of steps that only grows. */
#include "artifact/lineage.h"

#include "artifact/lineage_json.h"
#include "base/alloc.h"
#include "base/error.h"

enum heft_status heft_lineage_new(struct heft_lineage **lineage, struct heft_error *err)
{
	struct heft_lineage *l = heft_zalloc(sizeof *l);

	if (!l)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a lineage");
	heft_buffer_init(&l->steps);
	heft_buffer_init(&l->text);
	*lineage = l;
	return HEFT_OK;
}

void heft_lineage_free(struct heft_lineage *lineage)
{
	if (!lineage)
		return;
	heft_buffer_done(&lineage->steps);
	heft_buffer_done(&lineage->text);
	heft_lineage_free_blocks(lineage->blocks);
	heft_free(lineage);
}

uint32_t heft_lineage_n_steps(const struct heft_lineage *lineage)
{
	return (uint32_t)(lineage->steps.size / sizeof(struct heft_lineage_step));
}

enum heft_status heft_lineage_step_at(const struct heft_lineage *lineage, uint32_t i,
                                      struct heft_lineage_step *step, struct heft_error *err)
{
	if (i >= heft_lineage_n_steps(lineage))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the lineage has no step %u",
		                 (unsigned)i);
	*step = heft_lineage_steps(lineage)[i];
	return HEFT_OK;
}

/* What is wrong with a caller's step is no fault of a file. */
static enum heft_status as_usage(enum heft_status st, const struct heft_error *found,
                                 struct heft_error *err)
{
	if (st == HEFT_OK)
		return HEFT_OK;
	return heft_fail(err, st == HEFT_E_CORRUPT ? HEFT_E_USAGE : st, HEFT_NO_OFFSET, "%s",
	                 found->msg);
}

/* By way of its text: what is copied is what will be written, and was checked. */
enum heft_status heft_lineage_append(struct heft_lineage *lineage,
                                     const struct heft_lineage_step *step, struct heft_error *err)
{
	const size_t old_size = lineage->steps.size;
	struct heft_error found;
	struct heft_buffer b;
	enum heft_status st;

	if (heft_lineage_n_steps(lineage) >= HEFT_LINEAGE_STEPS_MAX)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the lineage has %u steps",
		                 HEFT_LINEAGE_STEPS_MAX);
	heft_buffer_init(&b);
	heft_lineage_add_step(&b, step);
	st = b.ok ? HEFT_OK
	          : heft_fail(&found, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a lineage");
	if (st == HEFT_OK)
		st = heft_lineage_parse_step(lineage, (const char *)b.bytes, b.size, &found);
	heft_buffer_done(&b);
	if (st == HEFT_OK)
		st = heft_lineage_check(lineage, &found);
	if (st != HEFT_OK)
		lineage->steps.size = old_size;
	return as_usage(st, &found, err);
}

enum heft_status heft_lineage_text(struct heft_lineage *lineage, const char **text,
                                   struct heft_error *err)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_lineage_add(&b, lineage);
	heft_buffer_add_u8(&b, 0);
	if (!b.ok) {
		heft_buffer_done(&b);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a lineage");
	}
	heft_buffer_done(&lineage->text);
	lineage->text = b;
	*text = (const char *)b.bytes;
	return HEFT_OK;
}
