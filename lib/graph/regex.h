/* SPDX-License-Identifier: Apache-2.0 */
/* graph/regex.h - regular expressions as RE2 writes them, matched in time that grows with the
 * expression times the text: no expression runs away. Without flags, Unicode classes (\p) and \Q,
 * which are told to be so. */
#ifndef GRAPH_REGEX_H
#define GRAPH_REGEX_H

#include "base/buffer.h"
#include "graph/kinds.h"

/* Borrowed buffers; see heft_regex_init. */
struct heft_regex {
	struct heft_buffer code;   /* struct heft_regex_step */
	struct heft_buffer ranges; /* of code points: uint32_t, first and last */
	uint32_t *room;            /* for who matches */
};

/* USAGE: no expression; UNSUPPORTED; LIMIT: a too long one. heft_regex_done in any case. */
enum heft_status heft_regex_init(struct heft_regex *r, const char *pattern, struct heft_error *err);
void heft_regex_done(struct heft_regex *r);
/* Whether all of the text matches. One thread at a time. */
bool heft_regex_matches(struct heft_regex *r, const struct heft_text *text);

/* --- between regex.c, which makes the program, and regex_match.c --- */

enum heft_regex_kind {
	HEFT_REGEX_ANY, /* but a new line */
	HEFT_REGEX_IN,  /* one of the ranges [at, at + n) */
	HEFT_REGEX_NOT_IN,
	HEFT_REGEX_GO,   /* to a; all of a and b are counted from the step itself */
	HEFT_REGEX_FORK, /* to both */
	HEFT_REGEX_BEGIN,
	HEFT_REGEX_END,
	HEFT_REGEX_EDGE, /* of a word */
	HEFT_REGEX_NO_EDGE,
	HEFT_REGEX_MATCH
};

struct heft_regex_step {
	enum heft_regex_kind kind;
	int32_t a;
	int32_t b;
};

#endif
