/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_optimizer.c - tests of lib/train/optimizer*.c and clip.c: PyTorch's numbers, and the
 * same bits for any number of threads and any CPU. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/philox.h"
#include "train/clip.h"
#include "train/optimizer.h"
#include "unit.h"

#define N 3
#define N_LARGE 70001

static const uint32_t masks[] = { 0, HEFT_CPU_AVX2, HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };
#define N_MASKS (sizeof masks / sizeof *masks)
static const uint32_t thread_counts[] = { 1, 2, 3, 7 };
#define N_COUNTS (sizeof thread_counts / sizeof *thread_counts)

/* θ0 = 0.5, -1.25, 3; lr 0.1; the gradients g in turn. After 3 steps in F32 (PyTorch 1.13, bits),
 * and after 3 and 30 in F64 (PyTorch 2.13). */
static const double start[N] = { 0.5, -1.25, 3.0 };
static const double g[3][N] = { { 0.1, -0.2, 0.3 }, { 0.05, 0.25, -0.15 }, { -0.4, 0, 0.6 } };
static const struct vector {
	const char *recipe;
	uint32_t bits[N];
	double after_3[N];
	double after_30[N];
} vectors[] = {
	{ "{\"optimizer\":\"sgd\",\"lr\":0.1}",
	  { 0x3f066667, 0xbfa0a3d7, 0x403b3334 },
	  { 0.52500000000000002, -1.2549999999999999, 2.9250000000000003 },
	  { 0.75000000000000022, -1.2999999999999989, 2.2500000000000027 } },
	{ "{\"optimizer\":\"sgd\",\"lr\":0.1,\"momentum\":0.9}",
	  { 0x3f00ded3, 0xbf9f2474, 0x4038c7e2 },
	  { 0.50339999999999996, -1.2432999999999998, 2.8872 },
	  { 2.1286112901500682, -1.5496442017498331, -2.2483824577600298 } },
	{ "{\"optimizer\":\"sgd\",\"lr\":0.1,\"momentum\":0.9,\"dampening\":0.5}",
	  { 0x3ef9eecc, 0xbf9c1a37, 0x4039c9ef },
	  { 0.48814999999999997, -1.2195499999999999, 2.9029500000000001 },
	  { 1.2664252029887948, -1.3040612167024381, 0.2321674448612665 } },
	{ "{\"optimizer\":\"sgd\",\"lr\":0.1,\"momentum\":0.9,\"nesterov\":true,"
	  "\"weight_decay\":0.01}",
	  { 0x3f062f93, 0xbf9e98ec, 0x40332d20 },
	  { 0.52416341198049998, -1.2390416992462501, 2.799629287653 },
	  { 2.0087396031423763, -1.2950508683916333, -2.7281616353841898 } },
	{ "{\"optimizer\":\"adam\",\"lr\":0.1}",
	  { 0x3eb2a6b9, 0xbf96e4a3, 0x4033aefc },
	  { 0.34892826151776807, -1.1788524807594494, 2.8075551421228053 },
	  { 1.2255546384347613, -1.3707492372648113, 1.0980599218783824 } },
	{ "{\"optimizer\":\"adam\",\"lr\":0.1,\"weight_decay\":0.01}",
	  { 0x3eb1a887, 0xbf95668f, 0x4032bedd },
	  { 0.34698889353415252, -1.1671923477707615, 2.7928992632344256 },
	  { 1.1613178915974631, -1.1932347068657267, 0.99803144200935068 } },
	{ "{\"optimizer\":\"adamw\",\"lr\":0.1}",
	  { 0x3eb208bb, 0xbf966fe6, 0x40331f63 },
	  { 0.3477228789498662, -1.175289856274006, 2.7987906728189849 },
	  { 1.2044333351970127, -1.333917672159713, 1.0367264446021685 } },
	{ "{\"optimizer\":\"amsgrad\",\"lr\":0.1}",
	  { 0x3eb2a6b9, 0xbf96e46f, 0x4033aefc },
	  { 0.34892826151776807, -1.178846189561441, 2.8075551421228053 },
	  { 1.2255546384347613, -1.3706863252847281, 1.0980599218783824 } },
	{ "{\"optimizer\":\"adam\",\"lr\":0.1,\"epsilon\":1e-2}",
	  { 0x3ebbcd5f, 0xbf9754f6, 0x40340ffc },
	  { 0.3668012264009044, -1.1822802649735178, 2.8134757166077971 },
	  { 1.2073729863001015, -1.3645218428132719, 1.1469588446567949 } },
};
#define N_VECTORS (int)(sizeof vectors / sizeof *vectors)

static struct heft_recipe *recipe_of(const char *json)
{
	struct heft_recipe *r;
	struct heft_error err = { 0 };

	ck_assert_int_eq(heft_recipe_new(&r, NULL), HEFT_OK);
	ck_assert_msg(heft_recipe_parse(r, json, strlen(json), &err) == HEFT_OK, "%s", err.msg);
	ck_assert_msg(heft_recipe_resolve(r, &err) == HEFT_OK, "%s", err.msg);
	return r;
}

static struct heft_parameter_step step_of(const struct heft_recipe *r, enum heft_dtype dtype,
                                          uint64_t n)
{
	return (struct heft_parameter_step){ .dtype = dtype,
		                             .n = n,
		                             .lr = r->lr,
		                             .weight_decay = r->weight_decay,
		                             .taken = { 1, 1, 0 } };
}

/* F7-41 to F7-45, in F64: what PyTorch computes, whose operations come in another order. */
START_TEST(binary64_agrees_with_pytorch)
{
	const struct vector *v = &vectors[_i];
	struct heft_recipe *r = recipe_of(v->recipe);
	struct heft_parameter_step p = step_of(r, HEFT_DTYPE_F64, N);
	struct heft_optimizer_clock clock;
	double values[N];
	double states[HEFT_OPTIMIZER_MAX_STATES][N] = { { 0 } };

	memcpy(values, start, sizeof values);
	p.values = values;
	for (int k = 0; k < HEFT_OPTIMIZER_MAX_STATES; k++)
		p.states[k] = states[k];
	heft_optimizer_clock_init(&clock);
	for (int step = 1; step <= 30; step++) {
		p.gradient = g[(step - 1) % 3];
		heft_optimizer_clock_advance(&clock, r);
		ck_assert_uint_eq(heft_optimizer_step(NULL, heft_cpu_bits(), r, &clock, &p), 0);
		for (int i = 0; i < N && (step == 3 || step == 30); i++) {
			const double want = step == 3 ? v->after_3[i] : v->after_30[i];

			ck_assert_msg(fabs(values[i] - want) <= 1e-13 * (1 + fabs(want)),
			              "%s: step %d: %.17g and not %.17g", v->recipe, step,
			              values[i], want);
		}
	}
	heft_recipe_free(r);
}
END_TEST

START_TEST(binary32_agrees_with_pytorch)
{
	const struct vector *v = &vectors[_i];
	struct heft_recipe *r = recipe_of(v->recipe);
	struct heft_parameter_step p = step_of(r, HEFT_DTYPE_F32, N);
	struct heft_optimizer_clock clock;
	float values[N];
	float gradient[N];
	float states[HEFT_OPTIMIZER_MAX_STATES][N] = { { 0 } };

	for (int i = 0; i < N; i++)
		values[i] = (float)start[i];
	p.values = values;
	p.gradient = gradient;
	for (int k = 0; k < HEFT_OPTIMIZER_MAX_STATES; k++)
		p.states[k] = states[k];
	heft_optimizer_clock_init(&clock);
	for (int step = 0; step < 3; step++) {
		for (int i = 0; i < N; i++)
			gradient[i] = (float)g[step][i];
		heft_optimizer_clock_advance(&clock, r);
		ck_assert_uint_eq(heft_optimizer_step(NULL, heft_cpu_bits(), r, &clock, &p), 0);
	}
	for (int i = 0; i < N; i++) {
		float want;

		memcpy(&want, &v->bits[i], sizeof want);
		ck_assert_msg(fabsf(values[i] - want) <= 1e-6f * fabsf(want),
		              "%s: %.9g and not %.9g", v->recipe, (double)values[i], (double)want);
	}
	heft_recipe_free(r);
}
END_TEST

/* --- threads and variants --- */

struct run {
	_Alignas(64) uint8_t values[8 * N_LARGE]; /* F64, or half of it F32 */
	_Alignas(64) uint8_t gradient[8 * N_LARGE];
	_Alignas(64) uint8_t states[HEFT_OPTIMIZER_MAX_STATES][8 * (N_LARGE + 7)];
};

static void draw(struct run *x, enum heft_dtype dtype, uint32_t step)
{
	const struct heft_random_place place = { .seed = 3, .step = step };
	float *drawn = malloc(N_LARGE * sizeof *drawn);

	ck_assert_ptr_nonnull(drawn);
	heft_random_normal_f32(&place, 0, drawn, N_LARGE);
	for (size_t i = 0; i < N_LARGE; i++) {
		void *to = step == 0 ? x->values : x->gradient;

		if (dtype == HEFT_DTYPE_F32)
			((float *)to)[i] = drawn[i];
		else
			((double *)to)[i] = (double)drawn[i] * 1.0000001;
	}
	free(drawn);
}

static void run_steps(struct run *x, const struct heft_recipe *r, enum heft_dtype dtype,
                      struct heft_team *team, uint32_t cpu_bits)
{
	struct heft_parameter_step p = step_of(r, dtype, N_LARGE);
	struct heft_optimizer_clock clock;

	memset(x, 0, sizeof *x);
	draw(x, dtype, 0);
	p.taken = (struct heft_update_gradient){ 1.0 / 7, 0.9, 0.3 };
	p.values = x->values;
	p.gradient = x->gradient;
	for (int k = 0; k < HEFT_OPTIMIZER_MAX_STATES; k++)
		p.states[k] = x->states[k];
	heft_optimizer_clock_init(&clock);
	for (uint32_t step = 1; step <= 3; step++) {
		draw(x, dtype, step);
		heft_optimizer_clock_advance(&clock, r);
		ck_assert_uint_eq(heft_optimizer_step(team, cpu_bits, r, &clock, &p), 0);
	}
}

/* F7-40: work is cut into fixed blocks, elements are independent. */
START_TEST(bits_do_not_depend_on_threads_or_cpu)
{
	static struct run first;
	static struct run other;
	const enum heft_dtype dtype = _i < N_VECTORS ? HEFT_DTYPE_F32 : HEFT_DTYPE_F64;
	struct heft_recipe *r = recipe_of(vectors[_i % N_VECTORS].recipe);

	run_steps(&first, r, dtype, NULL, 0);
	for (size_t k = 0; k < N_COUNTS; k++) {
		struct heft_team *team;

		ck_assert_int_eq(heft_team_new(thread_counts[k], &team, NULL), HEFT_OK);
		run_steps(&other, r, dtype, team, masks[k % N_MASKS] & heft_cpu_bits());
		ck_assert_int_eq(memcmp(&first, &other, sizeof first), 0);
		heft_team_free(team);
	}
	heft_recipe_free(r);
}
END_TEST

START_TEST(a_fault_in_any_block_is_told)
{
	static struct run x;
	const float nan = NAN;
	struct heft_recipe *r = recipe_of(vectors[0].recipe);
	struct heft_parameter_step p = step_of(r, HEFT_DTYPE_F32, N_LARGE);
	struct heft_optimizer_clock clock;
	struct heft_team *team;

	ck_assert_int_eq(heft_team_new(3, &team, NULL), HEFT_OK);
	heft_optimizer_clock_init(&clock);
	heft_optimizer_clock_advance(&clock, r);
	for (size_t at = 5; at < N_LARGE; at += 16384) {
		draw(&x, HEFT_DTYPE_F32, 0);
		draw(&x, HEFT_DTYPE_F32, 1);
		p.values = x.values;
		p.gradient = x.gradient;
		ck_assert_uint_eq(heft_optimizer_step(team, heft_cpu_bits(), r, &clock, &p), 0);
		memcpy(x.gradient + 4 * at, &nan, sizeof nan);
		ck_assert_uint_ne(heft_optimizer_step(team, heft_cpu_bits(), r, &clock, &p) &
		                          HEFT_UPDATE_GRADIENT,
		                  0);
	}
	heft_team_free(team);
	heft_recipe_free(r);
}
END_TEST

START_TEST(every_optimizer_names_its_states)
{
	const struct heft_optimizer *o;
	struct heft_recipe *r = recipe_of(vectors[1].recipe);
	struct heft_recipe *plain = recipe_of(vectors[0].recipe);

	for (uint32_t i = 0; (o = heft_optimizer_at(i)) != NULL; i++) {
		ck_assert_ptr_eq(heft_optimizer_find(o->name), o);
		for (uint32_t k = 0; k < o->n_states(r); k++)
			ck_assert_ptr_nonnull(o->state_names[k]);
	}
	ck_assert_uint_eq(r->optimizer->n_states(r), 1);
	ck_assert_uint_eq(r->optimizer->n_states(plain), 0);
	ck_assert_uint_eq(heft_optimizer_find("amsgrad")->n_states(r), 3);
	ck_assert_ptr_null(heft_optimizer_find("rmsprop"));
	heft_recipe_free(plain);
	heft_recipe_free(r);
}
END_TEST

/* --- the norm --- */

/* F7-32: numbers whose squares are exact: any order gives the same. */
START_TEST(the_norm_is_that_of_all_tensors)
{
	static float a[10000];
	double b[3] = { 1, 2, 4 };
	const struct heft_gradient_values gradients[] = { { HEFT_DTYPE_F32, a, 10000 },
		                                          { HEFT_DTYPE_F64, b, 3 },
		                                          { HEFT_DTYPE_F32, NULL, 0 } };
	double *room = malloc(heft_gradients_room(gradients, 3) * sizeof *room);

	ck_assert_ptr_nonnull(room);
	ck_assert_uint_eq(heft_gradients_room(gradients, 3), 3);
	for (size_t i = 0; i < 10000; i++)
		a[i] = i % 2 ? 3 : -4;
	ck_assert(heft_gradients_norm(NULL, 0, gradients, 3, 1, room) == sqrt(125000.0 + 21.0));
	ck_assert(heft_gradients_norm(NULL, 0, gradients, 3, 0.5, room) ==
	          sqrt(125000.0 + 21.0) / 2);
	ck_assert(heft_gradients_norm(NULL, 0, gradients, 0, 1, room) == 0);
	a[9999] = NAN;
	ck_assert(isnan(heft_gradients_norm(NULL, 0, gradients, 3, 1, room)));
	a[9999] = INFINITY;
	ck_assert(isinf(heft_gradients_norm(NULL, 0, gradients, 3, 1, room)));
	free(room);
}
END_TEST

START_TEST(the_norm_does_not_depend_on_threads_or_cpu)
{
	static struct run x;
	double room[32];
	double first = 0;
	const enum heft_dtype dtype = _i == 0 ? HEFT_DTYPE_F32 : HEFT_DTYPE_F64;
	const struct heft_gradient_values gradients[] = { { dtype, x.values, N_LARGE },
		                                          { dtype, x.values, 4097 } };

	draw(&x, dtype, 0);
	for (size_t k = 0; k < N_COUNTS * N_MASKS; k++) {
		struct heft_team *team;
		double norm;

		ck_assert_int_eq(heft_team_new(thread_counts[k % N_COUNTS], &team, NULL), HEFT_OK);
		norm = heft_gradients_norm(team, masks[k / N_COUNTS] & heft_cpu_bits(), gradients,
		                           2, 1.0 / 3, room);
		if (k == 0)
			first = norm;
		ck_assert(memcmp(&first, &norm, sizeof first) == 0);
		heft_team_free(team);
	}
	ck_assert(first > 80 && first < 100);
}
END_TEST

/* PyTorch's clip_grad_norm_. */
START_TEST(the_coefficient_is_at_most_one)
{
	ck_assert(heft_clip_coefficient(4, 1) == 1 / (4 + 1e-6));
	ck_assert(heft_clip_coefficient(0.5, 1) == 1);
	ck_assert(heft_clip_coefficient(1, 1) == 1 / (1 + 1e-6));
	ck_assert(heft_clip_coefficient(0, 1) == 1);
	ck_assert(isnan(heft_clip_coefficient(NAN, 1)));
	ck_assert(heft_clip_coefficient(INFINITY, 1) == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("train_optimizer");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, binary64_agrees_with_pytorch, 0, N_VECTORS);
	tcase_add_loop_test(tc, binary32_agrees_with_pytorch, 0, N_VECTORS);
	tcase_add_loop_test(tc, bits_do_not_depend_on_threads_or_cpu, 0, 2 * N_VECTORS);
	tcase_add_test(tc, a_fault_in_any_block_is_told);
	tcase_add_test(tc, every_optimizer_names_its_states);
	tcase_add_test(tc, the_norm_is_that_of_all_tensors);
	tcase_add_loop_test(tc, the_norm_does_not_depend_on_threads_or_cpu, 0, 2);
	tcase_add_test(tc, the_coefficient_is_at_most_one);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
