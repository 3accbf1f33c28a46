/* SPDX-License-Identifier: Apache-2.0 */
/* einsum_gradient.c - gradients of Einsum: each operand's is an Einsum of the output's gradient and
 * of the other operands, to the operand's letters. */
#include <string.h>

#include "graph/einsum.h"
#include "graph/gradient.h"

/* An equation as it is written down: letters, commas, arrow. */
#define EQUATION ((HEFT_EINSUM_MAX_OPERANDS + 1) * (HEFT_GRAPH_MAX_RANK + 1) + 3)

struct equation {
	const struct heft_einsum *e;
	char letters[HEFT_EINSUM_N_LABELS]; /* of each label */
	char text[EQUATION];
	uint32_t n;
};

static bool has_label(const struct heft_einsum_term *t, uint8_t label)
{
	return memchr(t->labels, label, t->rank) != NULL;
}

static bool is_used(const struct heft_einsum *e, uint8_t label)
{
	bool found = has_label(&e->out, label);

	for (uint32_t i = 0; i < e->n_operands; i++)
		found = found || has_label(&e->operands[i], label);
	return found;
}

/* Dimensions of the ellipsis get letters that the equation has not. */
static bool set_letters(struct equation *q)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint8_t free = 0;

	for (uint8_t label = 0; label < HEFT_EINSUM_N_LABELS; label++) {
		if (label < HEFT_EINSUM_N_LETTERS) {
			q->letters[label] = all[label];
			continue;
		}
		if (!is_used(q->e, label))
			continue;
		while (free < HEFT_EINSUM_N_LETTERS && is_used(q->e, free))
			free++;
		if (free == HEFT_EINSUM_N_LETTERS)
			return false;
		q->letters[label] = all[free++];
	}
	return true;
}

static void add_term(struct equation *q, const struct heft_einsum_term *t)
{
	for (uint32_t d = 0; d < t->rank; d++)
		q->text[q->n++] = q->letters[t->labels[d]];
}

static bool has_twice(const struct heft_einsum_term *t)
{
	for (uint32_t d = 1; d < t->rank; d++)
		if (memchr(t->labels, t->labels[d], d) != NULL)
			return true;
	return false;
}

/* What an operand has and nothing else is what was summed over it alone: the same gradient all
 * along. */
static uint32_t spread(struct heft_gradient *g, const struct heft_einsum *e, uint32_t i,
                       const struct heft_einsum_term *kept, uint32_t value)
{
	const struct heft_einsum_term *t = &e->operands[i];
	const struct heft_array a = *heft_gradient_array(g, heft_gradient_in(g, i));
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	int64_t whole[HEFT_GRAPH_MAX_RANK];

	if (kept->rank == t->rank)
		return value;
	for (uint32_t d = 0; d < t->rank; d++) {
		const bool is_kept = has_label(kept, t->labels[d]);

		dims[d] = is_kept ? e->sizes[t->labels[d]] : 1;
		whole[d] = (int64_t)(is_kept ? dims[d] : a.dims[d]);
	}
	value = heft_emit_reshaped(g, value, t->rank, dims);
	return heft_emit_2(g, "Expand", value, heft_emit_list(g, whole, t->rank));
}

static uint32_t gradient_of(struct heft_gradient *g, struct equation *q, uint32_t i)
{
	const struct heft_einsum *e = q->e;
	const struct heft_einsum_term *t = &e->operands[i];
	uint32_t inputs[HEFT_EINSUM_MAX_OPERANDS + 1] = { heft_gradient_of(g, 0) };
	struct heft_emit emit = { .type = "Einsum", .inputs = inputs, .n_in = 1, .n_attrs = 1 };
	struct heft_einsum_term kept = { .rank = 0 };

	q->n = 0;
	add_term(q, &e->out);
	for (uint32_t k = 0; k < e->n_operands; k++) {
		if (k == i)
			continue;
		inputs[emit.n_in++] = heft_gradient_in(g, k);
		q->text[q->n++] = ',';
		add_term(q, &e->operands[k]);
	}
	for (uint32_t d = 0; d < t->rank; d++) {
		bool is_there = has_label(&e->out, t->labels[d]);

		for (uint32_t k = 0; k < e->n_operands; k++)
			is_there = is_there || (k != i && has_label(&e->operands[k], t->labels[d]));
		if (is_there)
			kept.labels[kept.rank++] = t->labels[d];
	}
	memcpy(q->text + q->n, "->", 2);
	q->n += 2;
	add_term(q, &kept);
	q->text[q->n] = '\0';
	emit.attrs[0] = heft_attr_text("equation", q->text);
	return spread(g, e, i, &kept, heft_emit(g, &emit));
}

void heft_einsum_backward(const struct heft_call *c, struct heft_gradient *g)
{
	struct heft_einsum e;
	struct equation q = { .e = &e };

	/* infer has read it: it cannot fail */
	if (heft_einsum_parse(c, &e, NULL) != HEFT_OK)
		return;
	for (uint32_t i = 0; i < e.n_operands; i++) {
		if (!heft_gradient_wants(g, i))
			continue;
		if (has_twice(&e.operands[i]) || !set_letters(&q)) {
			heft_gradient_block(g, "an operand has a letter twice");
			return;
		}
		heft_give(g, i, gradient_of(g, &q, i));
	}
}
