/* SPDX-License-Identifier: Apache-2.0 */
/* einsum_parse.c - reads Einsum's equation. */
#include <string.h>

#include "base/error.h"
#include "graph/einsum.h"

#define NO_LABEL UINT8_MAX

/* One term as it is written. */
struct written {
	uint8_t letters[HEFT_GRAPH_MAX_RANK];
	uint32_t n_letters;
	bool has_ellipsis;
	uint32_t ellipsis_at; /* letters in front of it */
};

static uint8_t letter_of(char ch)
{
	if (ch >= 'A' && ch <= 'Z')
		return (uint8_t)(ch - 'A');
	if (ch >= 'a' && ch <= 'z')
		return (uint8_t)(26 + ch - 'a');
	return NO_LABEL;
}

/* Reads up to a comma, an arrow or the end. */
static enum heft_status read_term(const char **text, struct written *w, struct heft_error *err)
{
	const char *p = *text;

	*w = (struct written){ .n_letters = 0 };
	for (; *p != '\0' && *p != ',' && strncmp(p, "->", 2) != 0; p++) {
		const uint8_t letter = letter_of(*p);

		if (*p == ' ')
			continue;
		if (strncmp(p, "...", 3) == 0 && !w->has_ellipsis) {
			w->has_ellipsis = true;
			w->ellipsis_at = w->n_letters;
			p += 2;
		} else if (letter == NO_LABEL) {
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the equation is none");
		} else if (w->n_letters == HEFT_GRAPH_MAX_RANK) {
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "a term of the equation has more than %d letters",
			                 HEFT_GRAPH_MAX_RANK);
		} else {
			w->letters[w->n_letters++] = letter;
		}
	}
	*text = p;
	return HEFT_OK;
}

/* Letters, and the last n dimensions of the ellipsis in their place. */
static enum heft_status spread(const struct written *w, uint32_t n, struct heft_einsum_term *t,
                               struct heft_error *err)
{
	if (w->n_letters + n > HEFT_GRAPH_MAX_RANK)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "a term of the equation has more than %d dimensions",
		                 HEFT_GRAPH_MAX_RANK);
	t->rank = 0;
	for (uint32_t i = 0; i <= w->n_letters; i++) {
		for (uint32_t d = 0; w->has_ellipsis && i == w->ellipsis_at && d < n; d++)
			t->labels[t->rank++] = (uint8_t)(HEFT_EINSUM_N_LABELS - n + d);
		if (i < w->n_letters)
			t->labels[t->rank++] = w->letters[i];
	}
	return HEFT_OK;
}

static bool has_label(const struct heft_einsum_term *t, uint8_t label)
{
	return memchr(t->labels, label, t->rank) != NULL;
}

/* One operand: its labels, and what they say of sizes. */
static enum heft_status take_operand(const struct heft_array *a, const struct written *w,
                                     struct heft_einsum *e, bool *known, struct heft_error *err)
{
	struct heft_einsum_term *t = &e->operands[e->n_operands++];
	const uint32_t n = w->has_ellipsis && a->rank > w->n_letters ? a->rank - w->n_letters : 0;

	HEFT_TRY(spread(w, n, t, err));
	if (t->rank != a->rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "operand %u has %u dimensions and its term %u", e->n_operands - 1,
		                 a->rank, t->rank);
	for (uint32_t d = 0; d < t->rank; d++) {
		const uint8_t label = t->labels[d];
		const uint64_t size = a->dims[d];

		if (known[label] && size != 1 && e->sizes[label] != 1 && size != e->sizes[label])
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "one dimension is %llu and %llu long",
			                 (unsigned long long)e->sizes[label],
			                 (unsigned long long)size);
		if (!known[label] || e->sizes[label] == 1)
			e->sizes[label] = size;
		known[label] = true;
	}
	return HEFT_OK;
}

/* The ellipsis, then letters that stand there once, in ASCII's order. */
static enum heft_status imply_output(struct heft_einsum *e, const bool *known,
                                     struct heft_error *err)
{
	uint32_t counts[HEFT_EINSUM_N_LABELS] = { 0 };

	for (uint32_t i = 0; i < e->n_operands; i++)
		for (uint32_t d = 0; d < e->operands[i].rank; d++)
			counts[e->operands[i].labels[d]]++;
	e->out.rank = 0;
	for (uint32_t k = 0; k < HEFT_EINSUM_N_LABELS; k++) {
		const uint32_t label = (HEFT_EINSUM_N_LETTERS + k) % HEFT_EINSUM_N_LABELS;
		const bool is_wanted = label >= HEFT_EINSUM_N_LETTERS ? known[label]
		                                                      : counts[label] == 1;

		if (is_wanted && e->out.rank == HEFT_GRAPH_MAX_RANK)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "the output has more than %d dimensions",
			                 HEFT_GRAPH_MAX_RANK);
		if (is_wanted)
			e->out.labels[e->out.rank++] = (uint8_t)label;
	}
	return HEFT_OK;
}

static enum heft_status state_output(const char *text, struct heft_einsum *e, const bool *known,
                                     struct heft_error *err)
{
	struct written w;
	uint32_t n = 0;

	HEFT_TRY(read_term(&text, &w, err));
	for (uint32_t label = HEFT_EINSUM_N_LETTERS; label < HEFT_EINSUM_N_LABELS; label++)
		n += known[label];
	HEFT_TRY(spread(&w, n, &e->out, err));
	if (*text != '\0')
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the equation goes on");
	for (uint32_t d = 0; d < e->out.rank; d++) {
		const uint8_t label = e->out.labels[d];

		if (!known[label] || memchr(e->out.labels, label, d) != NULL)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the output has a letter twice, or one of no operand");
	}
	return HEFT_OK;
}

static void find_summed(struct heft_einsum *e)
{
	e->summed.rank = 0;
	for (uint32_t i = 0; i < e->n_operands; i++) {
		for (uint32_t d = 0; d < e->operands[i].rank; d++) {
			const uint8_t label = e->operands[i].labels[d];

			if (!has_label(&e->out, label) && !has_label(&e->summed, label))
				e->summed.labels[e->summed.rank++] = label;
		}
	}
}

enum heft_status heft_einsum_parse(const struct heft_call *c, struct heft_einsum *e,
                                   struct heft_error *err)
{
	const char *text = heft_call_text(c, "equation", "");
	bool known[HEFT_EINSUM_N_LABELS] = { false };
	struct written w;

	if (c->n_in > HEFT_EINSUM_MAX_OPERANDS)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "it has %u operands",
		                 c->n_in);
	*e = (struct heft_einsum){ .n_operands = 0 };
	for (uint32_t i = 0; i < c->n_in; i++) {
		HEFT_TRY(read_term(&text, &w, err));
		if ((*text == ',') != (i + 1 < c->n_in))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the equation is not one of %u operands", c->n_in);
		text += *text == ',';
		HEFT_TRY(take_operand(&c->in[i], &w, e, known, err));
	}
	HEFT_TRY(*text == '\0' ? imply_output(e, known, err)
	                       : state_output(text + 2, e, known, err));
	find_summed(e);
	return HEFT_OK;
}

uint64_t heft_einsum_step(const struct heft_call *c, const struct heft_einsum *e, uint32_t i,
                          uint8_t label)
{
	const struct heft_einsum_term *t = &e->operands[i];
	uint64_t stride = 1;
	uint64_t step = 0;

	for (uint32_t d = t->rank; d-- > 0; stride *= c->in[i].dims[d]) {
		if (t->labels[d] == label && c->in[i].dims[d] != 1)
			step += stride;
	}
	return step;
}
