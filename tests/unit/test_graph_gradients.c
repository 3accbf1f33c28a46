/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_graph_gradients.c - `backward` of every operator that has one, against central differences
 * in binary64: the rows of op_rows/<group>.txt, each made a model of one node whose real inputs are
 * parameters. The loss is the sum over the output of (y - t) (y - t), t drawn.
 *
 * Rules: spec F7-1, F7-2, F7-3, F7-4, F7-5, F7-15, F7-18, F7-60,
 * F7-61, F7-62, F7-63, F7-64, F7-65, F7-66, F7-67.
 *
 * ROW=conv.txt, or ROW=conv.txt:12, runs only those; VERBOSE=1 says which rows have no gradient.
 */
#include <check.h>
#include <dirent.h>
#include <math.h>

#include "graph/backprop.h"
#include "graph/gradient.h"
#include "graph/plan.h"
#include "op_row.h"

#define MAX_PARAMS 16
#define MAX_TRIED 40 /* elements of an input */
#define N_LARGE 4000 /* elements of all inputs: rows of more take too long */
#define STEP 0x1p-18

/* A model of one node, made by hand. */
struct made {
	struct heft_model model;
	struct heft_ir_value values[2 * ROW_ARRAYS];
	struct heft_ir_constant constants[ROW_ARRAYS];
	struct heft_ir_node node;
	struct heft_ir_block block;
	uint32_t refs[2 * ROW_ARRAYS];
	uint32_t order[1];
	uint32_t outputs[1];
	uint32_t tensors[MAX_PARAMS];
	struct heft_array params[MAX_PARAMS]; /* F64, their bytes owned */
	uint32_t n_params;
};

static struct op_row row;
static uint32_t n_rows;
static uint32_t n_operators;
static const struct heft_op *last_op;

static bool is_narrow(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_F32 || dtype == HEFT_DTYPE_F16 || dtype == HEFT_DTYPE_BF16;
}

/* Real inputs become F64; those whose values infer needs stay constants. */
static void add_input(struct made *m, uint32_t i, uint32_t max_params)
{
	struct heft_array a = row.in[i];
	struct heft_ir_value *v = &m->values[i];
	struct heft_ir_constant *c = &m->constants[i];

	*v = (struct heft_ir_value){ .name = "x", .node = HEFT_IR_NONE, .constant = i };
	m->refs[i] = i;
	*c = (struct heft_ir_constant){ .array = a, .tensor = HEFT_IR_NONE };
	if (a.dtype == HEFT_DTYPE_NONE) {
		m->refs[i] = HEFT_IR_NONE;
		v->constant = HEFT_IR_NONE;
		return;
	}
	if (is_narrow(a.dtype)) {
		ck_assert_int_eq(heft_array_set(&c->array, HEFT_DTYPE_F64, a.rank, a.dims, NULL),
		                 HEFT_OK);
		c->array.bytes = row_hold(&row, c->array.n_bytes + 1);
		heft_cast_elements(HEFT_DTYPE_F64, c->array.bytes, a.dtype, a.bytes, a.n_elements,
		                   NULL);
	}
	if (c->array.dtype != HEFT_DTYPE_F64 || (row.op->needs >> (i < 63 ? i : 63) & 1) ||
	    m->n_params == max_params || a.n_elements == 0)
		return;
	c->tensor = m->n_params;
	m->tensors[m->n_params] = m->n_params;
	m->params[m->n_params++] = c->array;
}

static void make(struct made *m, uint32_t output, uint32_t max_params)
{
	memset(m, 0, sizeof *m);
	for (uint32_t i = 0; i < row.n_in; i++)
		add_input(m, i, max_params);
	for (uint32_t i = 0; i < row.n_out; i++) {
		m->values[row.n_in + i] = (struct heft_ir_value){ .name = "y",
			                                          .constant = HEFT_IR_NONE };
		m->refs[row.n_in + i] = i == output || i == 0 ? row.n_in + i
		                                              : (uint32_t)HEFT_IR_NONE;
	}
	m->node = (struct heft_ir_node){ .name = "node",
		                         .type = row.name,
		                         .domain = row.domain,
		                         .op = row.op,
		                         .opset = row.opset,
		                         .n_in = row.n_in,
		                         .n_out = row.n_out,
		                         .attrs = { row.attrs, row.n_attrs } };
	m->block = (struct heft_ir_block){ .node = HEFT_IR_NONE, .n_nodes = 1 };
	m->outputs[0] = row.n_in + output;
	m->model = (struct heft_model){ .values = m->values,
		                        .nodes = &m->node,
		                        .blocks = &m->block,
		                        .constants = m->constants,
		                        .refs = m->refs,
		                        .order = m->order,
		                        .n_values = row.n_in + row.n_out,
		                        .n_nodes = 1,
		                        .n_blocks = 1,
		                        .n_constants = row.n_in,
		                        .n_refs = row.n_in + row.n_out,
		                        .n_order = 1,
		                        .outputs = m->outputs,
		                        .n_outputs = 1 };
}

/* The shape of the output; false: it is not computed in F64, or is no array of real numbers. */
static bool shape_of(const struct made *m, uint32_t output, struct heft_array *y)
{
	struct heft_array in[ROW_ARRAYS] = { 0 };
	struct heft_array out[ROW_ARRAYS] = { 0 };
	struct heft_call c = { .op = row.op,
		               .opset = row.opset,
		               .attrs = { row.attrs, row.n_attrs },
		               .n_in = row.n_in,
		               .n_out = row.n_out,
		               .wanted = 1 | UINT64_C(1) << output,
		               .in = in,
		               .out = out };
	struct heft_error err;

	for (uint32_t i = 0; i < row.n_in; i++)
		in[i] = m->refs[i] == HEFT_IR_NONE ? (struct heft_array){ 0 }
		                                   : m->constants[i].array;
	if (heft_call_infer(&c, &err) != HEFT_OK)
		return false;
	*y = out[output];
	return y->dtype == HEFT_DTYPE_F64 && y->n_elements > 0;
}

static double *drawn(uint64_t n)
{
	double *t = row_hold(&row, n * sizeof *t);
	uint32_t state = 12345;

	for (uint64_t i = 0; i < n; i++) {
		state = state * 1664525u + 1013904223u;
		t[i] = (double)(state >> 8) * 0x1p-23 - 1;
	}
	return t;
}

static double loss_of(struct heft_backprop *b, const struct made *m, const double *target)
{
	const void *bytes[MAX_PARAMS];
	struct heft_backprop_run run = { .target = target, .tensors = bytes };

	for (uint32_t k = 0; k < m->n_params; k++)
		bytes[k] = m->params[k].bytes;
	heft_backprop_run(b, &run);
	return heft_backprop_loss(b);
}

/* The difference quotient at one element, at two widths: where they differ, or the second
 * difference does not grow with the width as that of a smooth function, there is a bend, and
 * nothing is said. */
static bool slope(struct heft_backprop *b, const struct made *m, const double *target, double *x,
                  double *d)
{
	const double at = *x;
	const double size = fabs(at) > 1 ? fabs(at) : 1;
	const double here = loss_of(b, m, target);
	double quotients[2];
	double bends[2];

	for (int i = 0; i < 2; i++) {
		const double width = (i + 1) * STEP * size;
		double up;
		double down;

		*x = at + width;
		up = loss_of(b, m, target);
		*x = at - width;
		down = loss_of(b, m, target);
		quotients[i] = (up - down) / (2 * width);
		bends[i] = (up - 2 * here + down) / width;
	}
	*x = at;
	*d = quotients[0];
	return isfinite(*d) && fabs(*d - quotients[1]) <= 2e-7 * (1 + fabs(*d)) &&
	       (fabs(bends[0]) <= 1e-3 * (1 + fabs(*d)) ||
	        fabs(bends[1] - 2 * bends[0]) <= 0.5 * fabs(bends[0]));
}

static void check_param(struct heft_backprop *b, const struct made *m, uint32_t k,
                        const double *target, const double *g, double scale)
{
	const struct heft_array *a = &m->params[k];
	const uint64_t step = a->n_elements / MAX_TRIED + 1;
	double *x = a->bytes;

	for (uint64_t i = 0; i < a->n_elements; i += step) {
		double d;

		if (!slope(b, m, target, &x[i], &d))
			continue;
		ck_assert_msg(
			fabs(d - g[i]) <= 1e-6 * (scale + fabs(d)),
			"%s: %s: gradient of parameter %u, element %llu: %.10g, by differences "
			"%.10g",
			row.place, row.name, k, (unsigned long long)i, g[i], d);
	}
}

/* False: there is no gradient of so many inputs. */
static bool check_output(uint32_t output, uint32_t max_params)
{
	static struct made m;
	struct heft_backprop_options o = { .loss = "heft.SquaredErrorLoss", .n_threads = 1 };
	struct heft_backprop *b;
	struct heft_error err = { .msg = "" };
	struct heft_array y;
	struct heft_value target = { .name = "t", .dtype = HEFT_DTYPE_F64 };
	double *grads[MAX_PARAMS] = { 0 };
	uint64_t n_elements = 0;
	double *t;
	double loss;

	make(&m, output, max_params);
	for (uint32_t k = 0; k < m.n_params; k++)
		n_elements += m.params[k].n_elements;
	if (m.n_params == 0 || n_elements > N_LARGE || !shape_of(&m, output, &y))
		return true;
	o.tensors = m.tensors;
	o.n_tensors = m.n_params;
	target.rank = y.rank;
	memcpy(target.dims, y.dims, sizeof target.dims);
	if (heft_backprop_new(&m.model, &o, NULL, &target, &b, &err) != HEFT_OK) {
		if (getenv("VERBOSE"))
			printf("# %s: %s\n", row.place, err.msg);
		ck_assert_msg(err.code == HEFT_E_UNSUPPORTED || err.code == HEFT_E_USAGE, "%s: %s",
		              row.place, err.msg);
		return false;
	}
	t = drawn(y.n_elements);
	loss = loss_of(b, &m, t);
	n_rows++;
	n_operators += row.op != last_op;
	last_op = row.op;
	for (uint32_t k = 0; k < m.n_params; k++) {
		const struct heft_array *g = heft_backprop_gradient(b, k);

		grads[k] = row_hold(&row, m.params[k].n_bytes);
		if (g)
			memcpy(grads[k], g->bytes, g->n_bytes);
	}
	for (uint32_t k = 0; k < m.n_params && isfinite(loss); k++)
		check_param(b, &m, k, t, grads[k], 1 + sqrt(loss));
	heft_backprop_free(b);
	return true;
}

static void check_line(const char *place, char *text)
{
	if (*text == 0 || *text == '#' || strstr(text, ":special"))
		return;
	row_read(&row, place, text);
	ck_assert_msg(row.op, "%s: there is no operator %s", place, row.name);
	if (row.op->backward && row.op->backward != heft_gradient_none && row.status == HEFT_OK) {
		for (uint32_t i = 0; i < row.n_out; i++) {
			/* inputs behind the first one may be what is not trained, as bounds */
			if ((row.wanted >> i & 1) && !check_output(i, MAX_PARAMS))
				check_output(i, 1);
		}
	}
	row_done(&row);
}

static void check_file(const char *folder, const char *name)
{
	const char *only = getenv("ROW");
	char path[512];
	char *text;
	FILE *f;
	int line = 0;
	size_t room = 0;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	for (text = NULL; getline(&text, &room, f) >= 0;) {
		char place[64];

		text[strcspn(text, "\n")] = 0;
		snprintf(place, sizeof place, "%.40s:%d", name, ++line);
		if (!only || strcmp(only, place) == 0 || strcmp(only, name) == 0)
			check_line(place, text);
	}
	free(text);
	fclose(f);
}

START_TEST(every_backward_is_the_slope)
{
	const char *folder = getenv("ROWS");
	DIR *d = opendir(folder);
	const struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		const size_t n = strlen(e->d_name);

		if (n > 4 && strcmp(e->d_name + n - 4, ".txt") == 0)
			check_file(folder, e->d_name);
	}
	closedir(d);
	printf("# %u rows\n", n_rows);
	ck_assert_uint_gt(n_rows, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("graph_gradients");
	TCase *t = tcase_create("slopes");
	SRunner *r;
	int n_failed;

	tcase_set_timeout(t, 0);
	tcase_add_test(t, every_backward_is_the_slope);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	n_failed = srunner_ntests_failed(r);
	srunner_free(r);
	return n_failed > 0;
}
