/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_product.c - tests of lib/kernel/product*.c: every variant beside the reference, bit
 * by bit, over matrices and convolutions of all kinds. */
#include "kernel/product.h"

#include <math.h>

#include "product_made.h"

static void check_matrix(size_t m, size_t k, size_t n, bool is_transposed)
{
	struct problem t = { .n_x = 0 };

	heft_product_matrix(&t.p, m, k, n);
	problem_init(&t, is_transposed, m % 2, n % 2, 1);
	check_variants(&t);
	problem_done(&t);
}

START_TEST(matrices_of_all_sizes)
{
	static const size_t n[] = { 1, 7, 15, 16, 17, 31, 33, 48, 63, 64, 65, 80, 96, 129 };
	static const size_t k[] = { 1, 2, 17, 35 };

	for (size_t m = 1; m<22; m += m> 12 ? 3 : 1)
		for (size_t i = 0; i < sizeof n / sizeof *n; i++)
			check_matrix(m, k[(m + i) % 4], n[i], (m + i) / 4 % 2);
}
END_TEST

/* [F2-1] */
START_TEST(matrices_with_several_pieces)
{
	static const size_t sizes[][3] = {
		{ 0, 5, 3 },      { 5, 0, 3 },      { 3, 5, 0 },      { 1, 1, 1 },
		{ 1, 9000, 1 },   { 7, 9000, 33 },  { 11, 4096, 17 }, { 11, 4097, 17 },
		{ 13, 8192, 65 }, { 3, 12289, 16 }, { 2, 20481, 8 },  { 50, 64, 513 },
		{ 300, 48, 37 },  { 700, 33, 3 },   { 2000, 8, 20 },
	};

	check_matrix(sizes[_i][0], sizes[_i][1], sizes[_i][2], _i % 2);
}
END_TEST

/* [F1-1] [F2-2] [F2-3] [F2-5] Nothing but what the rules fuse is fused, in any variant. */
START_TEST(convolutions_of_all_kinds)
{
	size_t n_done = 0;

	state = (uint32_t)_i + 1;
	while (n_done < 40) {
		struct problem t = { .shift = below(2) ? 0 : below(16) };

		if (!set_random(&t.p, below(3)))
			continue;
		problem_init(&t, below(2), below(2), below(2), 1);
		check_variants(&t);
		problem_done(&t);
		n_done++;
	}
}
END_TEST

/* As networks have them; those of 91 x 91 write more than 3 MiB and go past the caches. */
static const struct layer layers[] = {
	{ 2, 17, 7, 2, 3, 1, 3, 64 },  { 2, 4, 3, 1, 1, 1, 512, 33 }, { 1, 3, 5, 1, 2, 1, 360, 17 },
	{ 1, 9, 3, 2, 1, 1, 17, 513 }, { 3, 7, 1, 1, 0, 1, 33, 96 },  { 2, 9, 1, 2, 0, 1, 37, 37 },
	{ 2, 9, 3, 1, 1, 4, 12, 20 },  { 2, 9, 3, 1, 1, 37, 1, 1 },   { 2, 9, 3, 2, 1, 64, 1, 1 },
	{ 2, 11, 5, 2, 2, 48, 1, 1 },  { 1, 9, 5, 1, 2, 35, 1, 1 },   { 1, 90, 65, 1, 0, 3, 1, 1 },
	{ 1, 12, 3, 1, 1, 1, 12, 48 }, { 1, 91, 1, 1, 0, 1, 8, 112 }, { 1, 91, 3, 1, 1, 112, 1, 1 },
	{ 1, 91, 3, 1, 1, 1, 1, 100 }, { 2, 7, 3, 1, 1, 500, 1, 1 },  { 1, 14, 3, 2, 1, 300, 1, 1 },
	{ 1, 17, 3, 1, 0, 32, 1, 1 },  { 1, 19, 3, 2, 2, 16, 1, 1 },  { 1, 2, 3, 1, 3, 16, 1, 1 },
};

/* [F2-1] [F2-3] [F2-4] */
START_TEST(layers_of_networks)
{
	struct problem t = { .n_x = 0 };

	layer_init(&layers[_i], &t.p);
	problem_init(&t, _i % 2, true, _i % 3 == 0, 1);
	check_variants(&t);
	problem_done(&t);
}
END_TEST

/* Products underflow, to zeros of both signs and to subnormals: what comes first in a chain is then
 * -0 often, and padding in front of it would make it +0, but for the last + (+0). [F2-4] */
START_TEST(zeros_have_one_sign)
{
	static const float scales[] = { 0x1p-74f, 0x1p-76f, 0x1p-70f };
	size_t n_negative = 0;
	size_t n_zeros = 0;

	for (size_t i = 0; i < 12; i++) {
		struct problem t = { .n_x = 0 };
		struct layer l = layers[i];

		if (l.n_in > 40)
			l.n_in = 2;
		layer_init(&l, &t.p);
		t.p.end.activation = HEFT_ACTIVATION_NONE;
		problem_init(&t, false, false, false, scales[_i]);
		check_variants(&t);
		for (size_t k = 0; k < t.n_y; k++) {
			n_negative += t.want[k] == 0 && signbit(t.want[k]) ? 1 : 0;
			n_zeros += t.want[k] == 0;
		}
		problem_done(&t);
	}
	ck_assert_uint_eq(n_negative, 0);
	ck_assert(_i == 2 || n_zeros > 100);
}
END_TEST

/* Weight i of those in the order [group][tap][in][out], in each way in which weights may lie. */
static struct heft_product_weights lay(const struct heft_product *p, int way, float *w)
{
	const size_t n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
	const size_t n = n_taps * p->n_in * p->n_out;
	const struct heft_product_weights ways[] = {
		{ w, n, p->n_in * p->n_out, p->n_out, 1 },         /* [tap][in][out] */
		{ w, n, 1, n_taps, p->n_in * n_taps },             /* [out][in][tap] */
		{ w, n, 1, p->n_out * n_taps, n_taps },            /* [in][out][tap] */
		{ w, n, p->n_in * p->n_out, 1, p->n_in },          /* [tap][out][in] */
		{ w, n, p->n_in, 1, p->n_in * n_taps },            /* [out][tap][in] */
		{ w, n, p->n_out, n_taps * p->n_out, 1 },          /* [in][tap][out] */
		{ w, 2 * n, 2, 2 * n_taps, 2 * n_taps * p->n_in }, /* with gaps */
	};
	const struct heft_product_weights l = ways[way];
	size_t i = 0;

	for (size_t g = 0; g < p->n_groups; g++)
		for (size_t t = 0; t < n_taps; t++)
			for (size_t c = 0; c < p->n_in; c++)
				for (size_t o = 0; o < p->n_out; o++)
					w[g * l.group_ld + t * l.tap_ld + c * l.in_ld +
					  o * l.out_ld] = (float)++i;
	return l;
}

START_TEST(packed_weights_are_the_same_however_they_lie)
{
	static const struct layer made[] = {
		{ 1, 9, 3, 1, 1, 1, 7, 70 },    { 1, 9, 3, 1, 1, 1, 40, 130 },
		{ 1, 9, 1, 1, 0, 1, 33, 1000 }, { 1, 9, 7, 2, 3, 1, 3, 64 },
		{ 1, 9, 2, 1, 0, 4, 6, 17 },    { 1, 9, 3, 1, 1, 300, 1, 1 },
	};
	struct heft_product p;
	size_t n_wrong = 0;

	for (int v = 0; v < N_VARIANTS; v++) {
		size_t n;
		size_t n_packed;
		float *w;
		float *want;
		float *got;

		if (!has_variant(v))
			continue;
		layer_init(&made[_i], &p);
		heft_product_init_by(bits_of(v), &p);
		n = p.kernel[1] * p.kernel[2] * p.n_in * p.n_out * p.n_groups;
		n_packed = p.packed_size / sizeof(float);
		w = room_of(2 * n, NAN);
		want = room_of(n_packed, 7);
		got = room_of(n_packed, 7);
		for (int way = 0; way < 7; way++) {
			const struct heft_product_weights l = lay(&p, way, w);

			for (size_t i = 0; i < p.n_pack_tasks; i++)
				heft_product_pack(&p, &l, i, way == 0 ? want : got);
			n_wrong += way > 0 && memcmp(want, got, p.packed_size) != 0 ? 1 : 0;
		}
		free(w);
		free(want);
		free(got);
	}
	ck_assert_uint_eq(n_wrong, 0);
}
END_TEST

START_TEST(a_nan_stays_a_nan)
{
	size_t n_numbers = 0;

	for (int v = 0; v < N_VARIANTS; v++) {
		struct problem t = { .n_x = 0 };
		struct heft_product p;

		if (!has_variant(v))
			continue;
		layer_init(&layers[_i == 0 ? 4 : 7], &t.p);
		t.p.end = (struct heft_product_end){ 1, (enum heft_activation)(v % 3), -1, 1 };
		problem_init(&t, false, true, false, 1);
		for (size_t i = 0; i < t.n_x; i++)
			t.x[i] = NAN;
		p = t.p;
		heft_product_init_by(bits_of(v), &p);
		t.d.y = t.got;
		run_all(&p, &t.w, t.d, 0);
		for (size_t i = 0; i < t.n_y; i++)
			n_numbers += isnan(t.got[i]) ? 0 : 1;
		problem_done(&t);
	}
	ck_assert_uint_eq(n_numbers, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel product");
	TCase *tc = tcase_create("forward");
	const int n_layers = (int)(sizeof layers / sizeof *layers);

	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, matrices_of_all_sizes);
	tcase_add_loop_test(tc, matrices_with_several_pieces, 0, 15);
	tcase_add_loop_test(tc, convolutions_of_all_kinds, 0, 8);
	tcase_add_loop_test(tc, layers_of_networks, 0, n_layers);
	tcase_add_loop_test(tc, zeros_have_one_sign, 0, 3);
	tcase_add_loop_test(tc, packed_weights_are_the_same_however_they_lie, 0, 6);
	tcase_add_loop_test(tc, a_nan_stays_a_nan, 0, 2);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
