/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_weight_gradient.c - tests of lib/kernel/weight_gradient*.c: every variant beside the
 * reference, bit by bit, in several orders of tasks and for several numbers of threads. */
#include "kernel/weight_gradient.h"

#include <math.h>

#include "product_made.h"

/* What ends where it ends. */
struct gradients {
	struct heft_weight_gradient g;
	struct heft_weight_gradient_data d;
	size_t n_w;
	size_t n_b;
	float *x;
	float *dy;
	float *want;
	float *got;
};

/* Gradients lie as ONNX's weights do, or [in][out] of each tap and group, or with gaps. */
enum order {
	ORDER_ONNX,
	ORDER_LAST,
	ORDER_TURNED, /* [out][in] of each tap and group */
	ORDER_APART,
	N_ORDERS
};

static void set_order(struct gradients *t, enum order order)
{
	const struct heft_product *p = &t->g.p;
	const size_t n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
	const size_t n_all = p->n_groups * n_taps * p->n_in * p->n_out;
	struct heft_weight_gradient_data *d = &t->d;

	t->n_w = n_all;
	switch (order) {
	case ORDER_ONNX:
		d->tap_ld = 1;
		d->in_ld = n_taps;
		d->out_ld = n_taps * p->n_in;
		d->group_ld = d->out_ld * p->n_out;
		break;
	case ORDER_LAST:
		d->out_ld = 1;
		d->group_ld = p->n_out;
		d->in_ld = p->n_out * p->n_groups;
		d->tap_ld = d->in_ld * p->n_in;
		break;
	case ORDER_TURNED:
		d->in_ld = 1;
		d->out_ld = p->n_in;
		d->group_ld = p->n_in * p->n_out;
		d->tap_ld = d->group_ld * p->n_groups;
		break;
	default:
		d->out_ld = 2;
		d->in_ld = 2 * p->n_out + 1;
		d->tap_ld = d->in_ld * p->n_in;
		d->group_ld = d->tap_ld * n_taps;
		t->n_w = d->group_ld * p->n_groups;
		break;
	}
}

/* Floats from the first to the last that is there. */
static size_t n_of(size_t n_pixels_there, size_t ld, size_t n_channels)
{
	return n_pixels_there ? (n_pixels_there - 1) * ld + n_channels : 0;
}

static void gradients_init(struct gradients *t, enum order order, bool has_bias, float scale)
{
	const struct heft_product *p = &t->g.p;
	const size_t n_x = n_of(p->n_images * p->in[0] * p->in[1] * p->in[2], p->x_ld,
	                        p->n_groups * p->n_in);
	const size_t n_dy = n_of(n_pixels(p), p->y_ld, p->n_groups * p->n_out);

	set_order(t, order);
	t->n_b = has_bias ? p->n_groups * p->n_out : 0;
	t->x = room_of(n_x, 0);
	fill(t->x, n_x, scale);
	t->dy = room_of(n_dy, 0);
	fill(t->dy, n_dy, scale);
	t->want = room_of(t->n_w + t->n_b + GUARD, 7);
	t->got = room_of(t->n_w + t->n_b + GUARD, 7);
	t->d.x = t->x;
	t->d.dy = t->dy;
	t->d.dw = t->want;
	t->d.db = has_bias ? t->want + t->n_w : NULL;
	heft_weight_gradient_reference(&t->g, &t->d);
	t->d.dw = t->got;
	t->d.db = has_bias ? t->got + t->n_w : NULL;
}

static void gradients_done(struct gradients *t)
{
	free(t->x);
	free(t->dy);
	free(t->want);
	free(t->got);
}

/* Order 0 ascending, 1 descending, 2 mixed. */
static size_t task_of(size_t i, size_t n, int order)
{
	if (order == 1)
		return n - 1 - i;
	return order == 2 && i < n / 2 * 2 ? i ^ 1 : i;
}

static void run_gradients(const struct heft_weight_gradient *g, struct heft_weight_gradient_data d,
                          int order)
{
	const size_t n_sums = g->sums_size / sizeof(float);
	const size_t n_scratch = g->scratch_size / sizeof(float);
	float *sums = room_of(n_sums + GUARD, NAN);
	float *scratch = room_of(n_scratch + GUARD, NAN);
	size_t n_touched = 0;

	ck_assert_uint_eq(g->scratch_size % HEFT_PRODUCT_ALIGN, 0);
	d.sums = n_sums ? sums : NULL;
	for (size_t i = 0; i < g->n_tasks; i++)
		heft_weight_gradient_run(g, &d, task_of(i, g->n_tasks, order), scratch);
	for (size_t i = 0; i < g->n_join_tasks; i++)
		heft_weight_gradient_join(g, &d, task_of(i, g->n_join_tasks, order), scratch);
	for (size_t i = 0; i < GUARD; i++)
		n_touched += !isnan(sums[n_sums + i]) || !isnan(scratch[n_scratch + i]);
	ck_assert_uint_eq(n_touched, 0);
	free(sums);
	free(scratch);
}

static void check_bits(const struct gradients *t, int variant, size_t n_threads)
{
	const size_t n = t->n_w + t->n_b + GUARD;

	for (size_t i = 0; i < n; i++)
		if (memcmp(t->want + i, t->got + i, sizeof(float)) != 0)
			ck_abort_msg(
				"variant %d, %zu threads, element %zu of %zu and %zu: %a is not %a",
				variant, n_threads, i, t->n_w, t->n_b, (double)t->got[i],
				(double)t->want[i]);
}

static void clear(struct gradients *t)
{
	for (size_t i = 0; i < t->n_w + t->n_b + GUARD; i++)
		t->got[i] = 7;
}

static void check_all(struct gradients *t)
{
	static const size_t n_threads[] = { 1, 2, 3, 7 };

	for (int v = 0; v < N_VARIANTS; v++) {
		for (size_t k = 0; k < 4; k++) {
			struct heft_weight_gradient g = t->g;

			if (!has_variant(v))
				continue;
			g.n_threads = n_threads[k];
			heft_weight_gradient_init_by(bits_of(v), &g);
			clear(t);
			run_gradients(&g, t->d, (int)(k % 3));
			check_bits(t, v, n_threads[k]);
		}
	}
}

static void check_matrix(size_t m, size_t k, size_t n, enum order order, bool has_bias)
{
	struct gradients t = { .n_w = 0 };

	heft_product_matrix(&t.g.p, m, k, n);
	t.g.p.x_ld += m % 3;
	t.g.p.y_ld += m % 2;
	gradients_init(&t, order, has_bias, 1);
	check_all(&t);
	gradients_done(&t);
}

START_TEST(matrices_of_all_sizes)
{
	static const size_t n[] = { 1, 7, 15, 16, 17, 31, 33, 48, 63, 64, 65, 80, 96, 129 };
	static const size_t m[] = { 1, 2, 17, 35, 193 };

	for (size_t k = 1; k<40; k += k> 12 ? 7 : 1)
		for (size_t i = 0; i < sizeof n / sizeof *n; i++)
			check_matrix(m[(k + i) % 5], k, n[i], (enum order)((k + i) % N_ORDERS),
			             i % 3);
}
END_TEST

/* [F7-10] */
START_TEST(matrices_with_several_pieces)
{
	static const size_t sizes[][3] = {
		{ 0, 5, 3 },      { 5, 0, 3 },      { 3, 5, 0 },      { 1, 1, 1 },
		{ 9000, 1, 1 },   { 9000, 7, 33 },  { 4096, 11, 17 }, { 4097, 11, 17 },
		{ 8192, 13, 65 }, { 12289, 3, 16 }, { 20481, 2, 8 },  { 64, 50, 513 },
		{ 48, 300, 37 },  { 33, 700, 3 },   { 28673, 0, 5 },  { 400, 260, 300 },
		{ 61441, 3, 2 },  { 50000, 5, 18 }, { 8200, 9, 530 },
	};

	check_matrix(sizes[_i][0], sizes[_i][1], sizes[_i][2], (enum order)(_i % N_ORDERS), _i % 4);
}
END_TEST

/* [F7-10] [F7-11] */
START_TEST(convolutions_of_all_kinds)
{
	size_t n_done = 0;

	state = (uint32_t)_i + 1;
	while (n_done < 40) {
		struct gradients t = { .n_w = 0 };

		if (!set_random(&t.g.p, below(3)) || t.g.p.is_transposed)
			continue;
		gradients_init(&t, (enum order)below(N_ORDERS), below(2), 1);
		check_all(&t);
		gradients_done(&t);
		n_done++;
	}
}
END_TEST

static const struct layer layers[] = {
	{ 2, 17, 7, 2, 3, 1, 3, 64 },    { 2, 4, 3, 1, 1, 1, 130, 33 },
	{ 1, 3, 5, 1, 2, 1, 360, 17 },   { 1, 9, 3, 2, 1, 1, 17, 513 },
	{ 3, 7, 1, 1, 0, 1, 33, 96 },    { 2, 9, 1, 2, 0, 1, 37, 37 },
	{ 2, 9, 3, 1, 1, 4, 12, 20 },    { 2, 9, 3, 1, 1, 37, 1, 1 },
	{ 2, 9, 3, 2, 1, 64, 1, 1 },     { 2, 11, 5, 2, 2, 48, 1, 1 },
	{ 1, 9, 5, 1, 2, 35, 1, 1 },     { 1, 90, 65, 1, 0, 3, 1, 1 },
	{ 1, 12, 3, 1, 1, 1, 12, 48 },   { 1, 91, 1, 1, 0, 1, 8, 112 },
	{ 1, 91, 3, 1, 1, 112, 1, 1 },   { 3, 91, 3, 2, 1, 1, 3, 100 },
	{ 6, 58, 3, 1, 1, 1, 2, 3 },     { 5, 70, 3, 2, 1, 33, 1, 1 },
	{ 2, 97, 3, 1, 1, 1, 33, 3 },    { 1, 80, 7, 1, 3, 17, 1, 1 },
	{ 1, 60, 1, 1, 0, 1, 300, 270 }, { 1, 120, 3, 1, 1, 40, 1, 1 },
	{ 1, 66, 3, 1, 1, 3, 5, 4 },
};

/* As networks have them, some of several pieces. [F7-10] [F7-11] */
START_TEST(layers_of_networks)
{
	struct gradients t = { .n_w = 0 };

	layer_init(&layers[_i], &t.g.p);
	gradients_init(&t, (enum order)(_i % 2 ? 0 : _i / 2 % N_ORDERS), _i % 3, 1);
	check_all(&t);
	gradients_done(&t);
}
END_TEST

/* Products underflow to zeros of both signs: nothing is -0 that comes out. [F7-10] [F7-11] */
START_TEST(zeros_have_one_sign)
{
	static const float scales[] = { 0x1p-74f, 0x1p-76f };
	size_t n_negative = 0;
	size_t n_zeros = 0;

	for (size_t i = 0; i < 12; i++) {
		struct gradients t = { .n_w = 0 };
		struct layer l = layers[i];

		l.n_in = l.n_in > 40 ? 2 : l.n_in;
		layer_init(&l, &t.g.p);
		gradients_init(&t, ORDER_ONNX, true, scales[_i]);
		check_all(&t);
		for (size_t k = 0; k < t.n_w + t.n_b; k++) {
			n_negative += t.want[k] == 0 && signbit(t.want[k]) ? 1 : 0;
			n_zeros += t.want[k] == 0;
		}
		gradients_done(&t);
	}
	ck_assert_uint_eq(n_negative, 0);
	ck_assert_uint_gt(n_zeros, 20);
}
END_TEST

/* Against numbers that are told by hand: a window of two over four pixels. */
START_TEST(what_a_gradient_is)
{
	static const float x[] = { 1, 2, 3, 4 };
	static const float dy[] = { 1, 10, 100 };
	struct heft_weight_gradient g = { .n_threads = 1 };
	float dw[2];
	float db;
	struct heft_weight_gradient_data d = {
		.x = x, .dy = dy, .dw = dw, .tap_ld = 1, .in_ld = 2, .out_ld = 2, .db = &db
	};
	void *scratch;

	heft_product_matrix(&g.p, 3, 1, 1);
	g.p.in[2] = 4;
	g.p.kernel[2] = 2;
	heft_weight_gradient_init(&g);
	scratch = room_of(g.scratch_size / sizeof(float), 0);
	ck_assert_uint_eq(g.n_join_tasks, 0);
	for (size_t i = 0; i < g.n_tasks; i++)
		heft_weight_gradient_run(&g, &d, i, scratch);
	ck_assert(dw[0] == 321 && dw[1] == 432 && db == 111);
	free(scratch);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel weight gradient");
	TCase *tc = tcase_create("weights");
	const int n_layers = (int)(sizeof layers / sizeof *layers);

	tcase_set_timeout(tc, 200);
	tcase_add_test(tc, what_a_gradient_is);
	tcase_add_test(tc, matrices_of_all_sizes);
	tcase_add_loop_test(tc, matrices_with_several_pieces, 0, 19);
	tcase_add_loop_test(tc, convolutions_of_all_kinds, 0, 8);
	tcase_add_loop_test(tc, layers_of_networks, 0, n_layers);
	tcase_add_loop_test(tc, zeros_have_one_sign, 0, 2);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
