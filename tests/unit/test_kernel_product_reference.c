/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_product_reference.c - tests of lib/kernel/product_reference.c beside binary64 and
 * beside chains that are written out here; the variants with it. */
#include <math.h>
#include <string.h>

#include "kernel/product.h"
#include "product_made.h"

/* The sum of one output in binary64, and of its terms' magnitudes; written without heft's code. */
static double sum_f64(const struct problem *t, size_t pixel, size_t group, size_t out, double *size)
{
	const struct heft_product *p = &t->p;
	const long ow = (long)(pixel % p->out[2]);
	const long oh = (long)(pixel / p->out[2] % p->out[1]);
	const long od = (long)(pixel / p->out[2] / p->out[1] % p->out[0]);
	const size_t image = pixel / p->out[2] / p->out[1] / p->out[0];
	const long o[3] = { od, oh, ow };
	double sum = 0;
	size_t tap = 0;
	long k[3];

	*size = 0;
	for (k[0] = 0; k[0] < (long)p->kernel[0]; k[0]++)
		for (k[1] = 0; k[1] < (long)p->kernel[1]; k[1]++)
			for (k[2] = 0; k[2] < (long)p->kernel[2]; k[2]++, tap++) {
				size_t at = image;
				bool is_inside = true;

				for (int a = 0; a < 3; a++) {
					const long s = (long)p->stride[a];
					const long step = k[a] * (long)p->dilation[a];
					long i = o[a] * s - (long)p->pad[a] + step;

					if (p->is_transposed) {
						i = o[a] + (long)p->pad[a] - step;
						is_inside = is_inside && i % s == 0;
						i /= s;
					}
					is_inside = is_inside && i >= 0 && i < (long)p->in[a];
					at = at * p->in[a] + (size_t)i;
				}
				for (size_t c = 0; is_inside && c < p->n_in; c++) {
					const double v =
						(double)t->x[at * p->x_ld + group * p->n_in + c] *
						(double)t->weights[group * t->w.group_ld +
					                           tap * t->w.tap_ld +
					                           c * t->w.in_ld +
					                           out * t->w.out_ld];

					sum += v;
					*size += fabs(v);
				}
			}
	return sum;
}

static void check_f64(const struct problem *t)
{
	const struct heft_product *p = &t->p;
	size_t n_far = 0;

	for (size_t pixel = 0; pixel < n_pixels(p); pixel++) {
		for (size_t c = 0; c < p->n_groups * p->n_out; c++) {
			double size;
			const double sum = sum_f64(t, pixel, c / p->n_out, c % p->n_out, &size);
			const double got = (double)t->want[t->shift + pixel * p->y_ld + c];

			n_far += !(fabs(got - sum) <= size * 0x1p-24 * 100);
		}
	}
	ck_assert_uint_eq(n_far, 0);
}

START_TEST(the_reference_is_near_binary64)
{
	size_t n_done = 0;

	state = (uint32_t)_i + 100;
	while (n_done < 20) {
		struct problem t = { .n_x = 0 };

		if (!set_random(&t.p, below(3)))
			continue;
		t.p.end = (struct heft_product_end){ .alpha = 1 };
		problem_init(&t, below(2), false, false, 1);
		check_f64(&t);
		problem_done(&t);
		n_done++;
	}
}
END_TEST

/* [F2-1] The tree level by level, as the text has it. */
START_TEST(pieces_meet_level_by_level)
{
	enum {
		K = 6 * HEFT_PRODUCT_PIECE + 5
	};
	struct problem t = { .n_x = 0 };
	float s[7];
	size_t n = 7;

	heft_product_matrix(&t.p, 1, K, 1);
	problem_init(&t, false, false, false, 1);
	for (size_t q = 0; q < n; q++) {
		s[q] = 0;
		for (size_t k = q * HEFT_PRODUCT_PIECE; k < K && k / HEFT_PRODUCT_PIECE == q; k++)
			s[q] = fmaf(t.x[k], t.weights[k], s[q]);
	}
	for (; n > 1; n = (n + 1) / 2)
		for (size_t i = 0; i < (n + 1) / 2; i++)
			s[i] = 2 * i + 1 < n ? s[2 * i] + s[2 * i + 1] : s[2 * i];
	ck_assert_float_eq(t.want[0], s[0]);
	check_variants(&t);
	problem_done(&t);
}
END_TEST

/* [F2-3] Terms of 2^24, 1 and -2^24 tell the order: a 1 next to 2^24 is lost. */
START_TEST(taps_come_before_channels)
{
	struct layer l = { 1, 2, 2, 1, 0, 1, 2, 1 };
	struct problem t = { .n_x = 0 };

	/* (kh, kw, ic): 2^24 and 1 at tap (0, 0), -2^24 and 1 at (0, 1), the others 0 */
	static const float w[] = { 0x1p24f, 1, -0x1p24f, 1, 0, 0, 0, 0 };

	layer_init(&l, &t.p);
	problem_init(&t, false, false, false, 1);
	memcpy(t.weights, w, sizeof w);
	for (size_t i = 0; i < t.n_x; i++)
		t.x[i] = 1;
	heft_product_reference(&t.p, &t.w, &t.d);
	ck_assert_float_eq(t.want[0], 1);
	check_variants(&t);
	problem_done(&t);
}
END_TEST

/* [F2-2] Each step rounds: 2^24 + 1 + 1 is not 2^24 + (1 + 1), and the activation comes last. */
START_TEST(bias_residual_activation_in_this_order)
{
	static const float steps[][4] = {
		/* product, bias, residual, relu of it all */
		{ 0x1p24f, 1, 1, 0x1p24f },
		{ -0x1p24f, 0x1p24f, 1, 1 },
		{ 0.25f, -0x1p24f, 0x1p24f, 0 },
		{ -3, 1, 1, 0 },
	};
	struct problem t = { .n_x = 0 };

	heft_product_matrix(&t.p, 1, 1, 1);
	t.p.end.activation = HEFT_ACTIVATION_RELU;
	problem_init(&t, false, true, true, 1);
	t.x[0] = steps[_i][0];
	t.weights[0] = 1;
	t.bias[0] = steps[_i][1];
	t.residual[0] = steps[_i][2];
	heft_product_reference(&t.p, &t.w, &t.d);
	ck_assert_float_eq(t.want[0], steps[_i][3]);
	check_variants(&t);
	problem_done(&t);
}
END_TEST

/* [F2-5] A tap that no input reaches keeps its number: with 2,048 channels and a stride of 2,
 * output 2 has taps 0 and 2, and tap 2 is a piece of its own. */
START_TEST(absent_taps_keep_their_numbers)
{
	struct problem t = { .n_x = 0 };
	float s[2] = { 0, 0 };

	t.p = (struct heft_product){ .n_images = 1,
		                     .in = { 1, 1, 2 },
		                     .out = { 1, 1, 5 },
		                     .kernel = { 1, 1, 3 },
		                     .stride = { 1, 1, 2 },
		                     .dilation = { 1, 1, 1 },
		                     .n_groups = 1,
		                     .n_in = 2048,
		                     .n_out = 1,
		                     .x_ld = 2048,
		                     .y_ld = 1,
		                     .is_transposed = true,
		                     .end = { .alpha = 1 } };
	problem_init(&t, false, false, false, 1);
	for (size_t c = 0; c < 2048; c++) {
		s[0] = fmaf(t.x[2048 + c], t.weights[c], s[0]);
		s[1] = fmaf(t.x[c], t.weights[4096 + c], s[1]);
	}
	ck_assert_float_eq(t.want[2], s[0] + s[1]);
	check_variants(&t);
	problem_done(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel product reference");
	TCase *tc = tcase_create("definition");

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, the_reference_is_near_binary64, 0, 4);
	tcase_add_test(tc, pieces_meet_level_by_level);
	tcase_add_test(tc, taps_come_before_channels);
	tcase_add_loop_test(tc, bias_residual_activation_in_this_order, 0, 4);
	tcase_add_test(tc, absent_taps_keep_their_numbers);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
