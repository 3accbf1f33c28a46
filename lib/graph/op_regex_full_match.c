/* SPDX-License-Identifier: Apache-2.0 */
/* op_regex_full_match.c - RegexFullMatch: whether all of a string matches a regular expression. */
#include "base/error.h"
#include "graph/kinds.h"
#include "graph/regex.h"

static enum heft_status match_all(struct heft_call *c, struct heft_regex *r,
                                  struct heft_memory *memory, struct heft_error *err)
{
	const struct heft_array *in = &c->in[0];
	struct heft_array *y = &c->out[0];
	const struct heft_text *x;

	HEFT_TRY(heft_call_texts(c, 0, &x, err));
	HEFT_TRY(heft_array_set(y, HEFT_DTYPE_BOOL, in->rank, in->dims, err));
	if (y->n_bytes > 0)
		HEFT_TRY(heft_memory_take(memory, y->n_bytes, &y->bytes, err));
	for (uint64_t i = 0; i < y->n_elements; i++)
		((uint8_t *)y->bytes)[i] = heft_regex_matches(r, &x[i]);
	return HEFT_OK;
}

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const char *pattern = heft_call_text(c, "pattern", NULL);
	struct heft_regex r;
	enum heft_status st;

	if (!pattern)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no pattern is given");
	st = heft_regex_init(&r, pattern, err);
	if (st == HEFT_OK)
		st = match_all(c, &r, memory, err);
	heft_regex_done(&r);
	return st;
}

const struct heft_op heft_op_regex_full_match = {
	.name = "RegexFullMatch",
	.domain = "",
	.since = 20,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
