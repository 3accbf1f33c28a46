/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_training.c - losses and optimisers by themselves, for test_losses.py and test_optimizers.py.
 *
 *	run_training loss OP [name=REAL | name:INTEGER]...
 *		reads arrays, writes the three outputs
 *	run_training steps RECIPE F32|F64
 *		reads values, and a gradient for each step; writes the values after each step
 *
 * An array is its dtype (a number of spec/ids.md), its rank, its dimensions, and its bytes, all
 * numbers of 64 bits, little-endian; outputs are bytes alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "graph/op.h"
#include "train/clip.h"
#include "train/optimizer.h"
#include "train/schedule.h"

#define MAX_ARRAYS 64
#define MAX_ATTRS 8

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "run_training: %s\n", what);
	exit(2);
}

static void *room(uint64_t size)
{
	void *p = aligned_alloc(64, (size_t)(size / 64 + 1) * 64);

	if (!p)
		give_up("no memory");
	return p;
}

static bool get_number(uint64_t *value)
{
	return fread(value, sizeof *value, 1, stdin) == 1;
}

/* False at the end of the input. */
static bool get_array(struct heft_array *a)
{
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t dtype;
	uint64_t rank;

	if (!get_number(&dtype))
		return false;
	if (!get_number(&rank) || rank > HEFT_GRAPH_MAX_RANK)
		give_up("no rank");
	for (uint64_t d = 0; d < rank; d++)
		if (!get_number(&dims[d]))
			give_up("no dimension");
	memset(a, 0, sizeof *a);
	if (heft_array_set(a, (enum heft_dtype)dtype, (uint32_t)rank, dims, NULL) != HEFT_OK)
		give_up("no array");
	a->bytes = room(a->n_bytes);
	if (a->n_bytes > 0 && fread(a->bytes, (size_t)a->n_bytes, 1, stdin) != 1)
		give_up("too few bytes");
	return true;
}

static void put(const void *bytes, uint64_t n)
{
	if (n > 0 && fwrite(bytes, (size_t)n, 1, stdout) != 1)
		give_up("cannot write");
}

/* --- loss --- */

struct numbers {
	struct heft_attr rows[MAX_ATTRS];
	struct heft_array arrays[MAX_ATTRS];
	double reals[MAX_ATTRS];
	uint32_t n;
};

static void add_number(struct numbers *to, char *text)
{
	struct heft_attr *a = &to->rows[to->n];
	char *equals = strchr(text, '=');
	char *colon = strchr(text, ':');

	if (to->n == MAX_ATTRS || (!equals && !colon))
		give_up("no attribute");
	a->name = text;
	if (colon) {
		a->kind = HEFT_ATTR_INT;
		a->i = strtoll(colon + 1, NULL, 10);
		*colon = '\0';
	} else {
		struct heft_array *value = &to->arrays[to->n];

		to->reals[to->n] = strtod(equals + 1, NULL);
		heft_array_set(value, HEFT_DTYPE_F64, 0, NULL, NULL);
		value->bytes = &to->reals[to->n];
		a->kind = HEFT_ATTR_TENSOR;
		a->tensor = value;
		*equals = '\0';
	}
	to->n++;
}

static void run_loss(const char *name, char **texts, int n_texts)
{
	static struct heft_call c;
	struct numbers attrs = { .n = 0 };
	struct heft_array in[MAX_ARRAYS];
	struct heft_array out[3] = { { 0 } };
	struct heft_team *team;
	struct heft_error err;

	for (int i = 0; i < n_texts; i++)
		add_number(&attrs, texts[i]);
	c.op = heft_op_find("heft", name);
	if (!c.op || heft_team_new(2, &team, NULL) != HEFT_OK)
		give_up("no such loss");
	while (c.n_in < MAX_ARRAYS && get_array(&in[c.n_in]))
		c.n_in++;
	c.opset = 1;
	c.attrs = (struct heft_attrs){ .rows = attrs.rows, .n = attrs.n };
	c.n_out = 3;
	c.in = in;
	c.out = out;
	c.wanted = 7;
	c.team = team;
	c.cpu_bits = heft_cpu_bits();
	if (c.op->infer(&c, &err) != HEFT_OK)
		give_up(err.msg);
	c.scratch = room(c.scratch_size);
	for (int i = 0; i < 3; i++)
		out[i].bytes = room(out[i].n_bytes);
	c.op->forward(&c);
	for (int i = 0; i < 3; i++) {
		put(out[i].bytes, out[i].n_bytes);
		free(out[i].bytes);
	}
	for (uint32_t i = 0; i < c.n_in; i++)
		free(in[i].bytes);
	free(c.scratch);
	heft_team_free(team);
}

/* --- steps --- */

static void one_step(const struct heft_recipe *r, struct heft_optimizer_clock *clock,
                     struct heft_parameter_step *p, uint64_t i, uint64_t n_steps)
{
	const struct heft_schedule_place at = { .step = i, .n_steps = n_steps, .epoch = i };
	const struct heft_gradient_values g = { p->dtype, p->gradient, p->n };

	p->lr = heft_schedule_rate(r, r->lr, &at);
	p->taken = (struct heft_update_gradient){ 1, 1, r->clip_value };
	if (r->clip_norm > 0) {
		double *sums = room(heft_gradients_room(&g, 1) * sizeof *sums);

		p->taken.coefficient = heft_clip_coefficient(
			heft_gradients_norm(NULL, heft_cpu_bits(), &g, 1, 1, sums), r->clip_norm);
		free(sums);
	}
	heft_optimizer_clock_advance(clock, r);
	if (heft_optimizer_step(NULL, heft_cpu_bits(), r, clock, p) != 0)
		give_up("a number is not finite");
}

static void run_steps(const char *json, enum heft_dtype dtype)
{
	static struct heft_array gradients[MAX_ARRAYS];
	struct heft_parameter_step p = { .dtype = dtype };
	struct heft_optimizer_clock clock;
	struct heft_recipe *r;
	struct heft_array values;
	struct heft_error err;
	uint64_t n = 0;

	if (heft_recipe_new(&r, &err) != HEFT_OK ||
	    heft_recipe_parse(r, json, strlen(json), &err) != HEFT_OK ||
	    heft_recipe_resolve(r, &err) != HEFT_OK)
		give_up(err.msg);
	if (!get_array(&values))
		give_up("no values");
	while (n < MAX_ARRAYS && get_array(&gradients[n]))
		n++;
	p.n = values.n_elements;
	p.values = values.bytes;
	p.weight_decay = r->weight_decay;
	for (int k = 0; k < HEFT_OPTIMIZER_MAX_STATES; k++)
		p.states[k] = memset(room(values.n_bytes), 0, (size_t)values.n_bytes);
	heft_optimizer_clock_init(&clock);
	for (uint64_t i = 0; i < n; i++) {
		p.gradient = gradients[i].bytes;
		one_step(r, &clock, &p, i, n);
		put(values.bytes, values.n_bytes);
		free(gradients[i].bytes);
	}
	for (int k = 0; k < HEFT_OPTIMIZER_MAX_STATES; k++)
		free(p.states[k]);
	free(values.bytes);
	heft_recipe_free(r);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "loss") == 0)
		run_loss(argv[2], argv + 3, argc - 3);
	else if (argc == 4 && strcmp(argv[1], "steps") == 0)
		run_steps(argv[2], heft_dtype_from_name(argv[3]));
	else
		give_up("loss OP ..., or steps RECIPE DTYPE");
	return fflush(stdout) == 0 ? 0 : 2;
}
