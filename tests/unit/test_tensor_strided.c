/* SPDX-License-Identifier: Apache-2.0 */
/* test_tensor_strided.c - views of any strides against a loop over their indexes. */
#include "tensor/strided.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "unit.h"

struct view {
	uint32_t rank;
	uint64_t dims[6];
	uint64_t strides[6]; /* in elements */
	uint64_t offset;     /* in elements */
};

static const struct view views[] = {
	{ 0, { 0 }, { 0 }, 0 },
	{ 0, { 0 }, { 0 }, 5 },
	{ 1, { 7 }, { 1 }, 2 },
	{ 1, { 7 }, { 3 }, 1 },
	{ 1, { 9 }, { 0 }, 4 },
	{ 1, { 0 }, { 1 }, 0 },
	{ 1, { 1 }, { 99999 }, 3 },
	{ 2, { 3, 5 }, { 5, 1 }, 0 },
	{ 2, { 5, 3 }, { 1, 5 }, 0 },
	{ 2, { 64, 64 }, { 1, 64 }, 1 },
	{ 2, { 100, 37 }, { 1, 100 }, 0 },
	{ 2, { 37, 100 }, { 1, 37 }, 0 },
	{ 2, { 2, 3000 }, { 1, 2 }, 0 },
	{ 2, { 3000, 2 }, { 1, 3000 }, 0 },
	{ 2, { 700, 900 }, { 1, 701 }, 0 },
	{ 2, { 40, 30 }, { 50, 1 }, 7 },
	{ 2, { 40, 30 }, { 0, 1 }, 7 },
	{ 2, { 40, 30 }, { 1, 0 }, 7 },
	{ 2, { 40, 30 }, { 0, 0 }, 7 },
	{ 2, { 40, 30 }, { 1, 1 }, 0 },
	{ 2, { 0, 30 }, { 1, 1 }, 0 },
	{ 2, { 4, 3 }, { 100000, 30000 }, 0 },
	{ 3, { 4, 3, 2 }, { 6, 2, 1 }, 0 },
	{ 3, { 4, 3, 2 }, { 1, 4, 12 }, 0 },
	{ 3, { 3, 50, 60 }, { 1, 180, 3 }, 0 },
	{ 3, { 50, 60, 3 }, { 60, 1, 3000 }, 0 },
	{ 3, { 13, 17, 19 }, { 19, 247, 1 }, 0 },
	{ 3, { 13, 1, 19 }, { 1, 5, 13 }, 0 },
	{ 3, { 5, 7, 9 }, { 1, 0, 5 }, 2 },
	{ 4, { 8, 3, 5, 4 }, { 1, 8, 24, 120 }, 0 },
	{ 4, { 8, 16, 3, 3 }, { 144, 1, 48, 16 }, 0 },
	{ 6, { 2, 3, 2, 3, 2, 3 }, { 1, 2, 6, 12, 36, 72 }, 0 },
};
#define N_VIEWS (sizeof views / sizeof *views)

static const size_t element_sizes[] = { 1, 2, 3, 4, 8, 12, 16, 33 };
#define N_SIZES (sizeof element_sizes / sizeof *element_sizes)

/* A view, its storage, and its logical bytes as a loop finds them. */
struct made_view {
	struct heft_strided s;
	uint8_t *storage;
	size_t storage_size;
	uint8_t *logical;
	size_t n_bytes;
	uint64_t n_reads;
};

static void made_view_init(struct made_view *m, const struct view *v, size_t element_size)
{
	uint64_t last = v->offset;
	uint64_t n = 1;

	memset(m, 0, sizeof *m);
	for (uint32_t d = 0; d < v->rank; d++) {
		n *= v->dims[d];
		last += v->dims[d] > 0 ? (v->dims[d] - 1) * v->strides[d] : 0;
	}
	m->n_bytes = (size_t)n * element_size;
	m->storage_size = (size_t)(last + 1) * element_size;
	m->storage = malloc(m->storage_size);
	m->logical = malloc(m->n_bytes + 1);
	ck_assert(m->storage && m->logical);
	for (size_t i = 0; i < m->storage_size; i++)
		m->storage[i] = (uint8_t)((i * 2654435761u) >> 9);
	for (uint64_t e = 0; e < n; e++) {
		uint64_t at = v->offset;
		uint64_t rest = e;

		for (uint32_t d = v->rank; d > 0; d--) {
			at += rest % v->dims[d - 1] * v->strides[d - 1];
			rest /= v->dims[d - 1];
		}
		memcpy(m->logical + e * element_size, m->storage + at * element_size, element_size);
	}
	heft_strided_init(&m->s, v->rank, v->dims, v->strides, v->offset * element_size,
	                  element_size);
	ck_assert_uint_eq(m->s.n_bytes, m->n_bytes);
}

static void made_view_done(struct made_view *m)
{
	free(m->storage);
	free(m->logical);
}

static enum heft_status read_storage(void *ctx, uint64_t off, void *dst, size_t n,
                                     struct heft_error *err)
{
	struct made_view *m = ctx;

	(void)err;
	m->n_reads++;
	ck_assert(off <= m->storage_size && n <= m->storage_size - off);
	memcpy(dst, m->storage + off, n);
	return HEFT_OK;
}

/* Logical bytes [off, off + n) by both ways, and nothing around them. */
static void check_range(struct made_view *m, size_t off, size_t n)
{
	uint8_t *dst = malloc(n + 16);

	ck_assert_ptr_nonnull(dst);
	for (int by_reads = 0; by_reads < 2; by_reads++) {
		memset(dst, 0xa5, n + 16);
		if (by_reads)
			ck_assert_int_eq(heft_strided_read(&m->s, read_storage, m, off, dst + 8, n,
			                                   NULL),
			                 HEFT_OK);
		else
			heft_strided_gather(&m->s, m->storage, off, dst + 8, n);
		ck_assert_mem_eq(dst + 8, m->logical + off, n);
		for (size_t i = 0; i < 8; i++)
			ck_assert(dst[i] == 0xa5 && dst[8 + n + i] == 0xa5);
	}
	free(dst);
}

START_TEST(the_whole_of_a_view_is_what_a_loop_finds)
{
	struct made_view m;

	for (size_t k = 0; k < N_SIZES; k++) {
		made_view_init(&m, &views[_i], element_sizes[k]);
		check_range(&m, 0, m.n_bytes);
		made_view_done(&m);
	}
}
END_TEST

START_TEST(any_part_of_a_view_is_what_a_loop_finds)
{
	struct made_view m;
	unsigned seed = 1;

	for (size_t k = 0; k < N_SIZES; k++) {
		made_view_init(&m, &views[_i], element_sizes[k]);
		for (unsigned i = 0; i < 40 && m.n_bytes > 0; i++) {
			size_t off;

			seed = seed * 1103515245u + 12345u;
			off = (seed >> 8) % m.n_bytes;
			seed = seed * 1103515245u + 12345u;
			check_range(&m, off, (seed >> 8) % (m.n_bytes - off + 1));
		}
		for (size_t off = 0; off < m.n_bytes && off < 50; off++)
			check_range(&m, off, m.n_bytes - off < 50 ? m.n_bytes - off : 50);
		made_view_done(&m);
	}
}
END_TEST

static unsigned next(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 10) % below;
}

/* Slices, permutations and expansions of packed arrays, all at once. */
START_TEST(random_views_are_what_a_loop_finds)
{
	unsigned seed = (unsigned)_i + 1;

	for (unsigned i = 0; i < 200; i++) {
		struct view v = { .rank = 1 + next(&seed, 6), .offset = next(&seed, 9) };
		uint64_t stride = 1;
		struct made_view m;

		for (uint32_t d = 0; d < v.rank; d++)
			v.dims[d] = UINT64_MAX;
		for (uint32_t n = 0; n < v.rank; n++) { /* dimensions in a random order */
			uint32_t d = next(&seed, v.rank);

			while (v.dims[d] != UINT64_MAX)
				d = (d + 1) % v.rank;
			v.dims[d] = 1 + next(&seed, 9);
			v.strides[d] = next(&seed, 5) == 0 ? 0 : stride;
			if (next(&seed, 3) == 0)
				stride += next(&seed, 20);
			stride *= v.dims[d];
		}
		made_view_init(&m, &v, element_sizes[next(&seed, N_SIZES)]);
		check_range(&m, 0, m.n_bytes);
		for (unsigned k = 0; k < 4; k++) {
			const size_t off = next(&seed, (unsigned)m.n_bytes);

			check_range(&m, off, next(&seed, (unsigned)(m.n_bytes - off) + 1));
		}
		made_view_done(&m);
	}
}
END_TEST

START_TEST(what_can_be_joined_is_one_run)
{
	static const struct {
		struct view v;
		uint32_t rank;
		uint64_t run;
	} cases[] = {
		{ { 3, { 4, 3, 2 }, { 6, 2, 1 }, 0 }, 0, 24 },
		{ { 3, { 4, 1, 2 }, { 2, 77, 1 }, 3 }, 0, 8 },
		{ { 3, { 4, 3, 2 }, { 12, 2, 1 }, 0 }, 1, 6 },
		{ { 3, { 4, 3, 2 }, { 12, 4, 2 }, 0 }, 1, 1 },
		{ { 3, { 4, 3, 2 }, { 0, 2, 1 }, 0 }, 1, 6 },
		{ { 2, { 4, 3 }, { 0, 0 }, 0 }, 1, 1 },
		{ { 3, { 4, 3, 2 }, { 2, 8, 1 }, 0 }, 2, 2 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct view *v = &cases[i].v;
		struct heft_strided s;

		heft_strided_init(&s, v->rank, v->dims, v->strides, 4 * v->offset, 4);
		ck_assert_uint_eq(s.rank, cases[i].rank);
		ck_assert_uint_eq(s.run_size, 4 * cases[i].run);
		ck_assert_uint_eq(s.offset, 4 * v->offset);
		ck_assert(heft_strided_is_contiguous(&s) == (s.rank == 0));
	}
}
END_TEST

START_TEST(a_matrix_is_transposed)
{
	static const uint8_t matrix[] = { 1, 2, 3, 4, 5, 6 };
	static const uint8_t turned[] = { 1, 4, 2, 5, 3, 6 };
	struct heft_strided s;
	uint8_t bytes[6];

	heft_strided_init_transposed(&s, 2, 3, 1);
	heft_strided_gather(&s, matrix, 0, bytes, sizeof bytes);
	ck_assert_mem_eq(bytes, turned, sizeof turned);
}
END_TEST

/* Columns are read by pieces of 16 rows, and what lies near by is read at once. */
START_TEST(reads_are_as_few_as_the_places_allow)
{
	static const struct view turned = { 2, { 512, 700 }, { 1, 512 }, 0 };
	static const struct view every_other = { 1, { 3000 }, { 2 }, 0 };
	struct made_view m;
	uint8_t *dst;

	made_view_init(&m, &turned, 4);
	dst = malloc(m.n_bytes);
	ck_assert_int_eq(heft_strided_read(&m.s, read_storage, &m, 0, dst, (size_t)16 * 700 * 4,
	                                   NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(m.n_reads, 700);
	m.n_reads = 0;
	ck_assert_int_eq(heft_strided_read(&m.s, read_storage, &m, 0, dst, m.n_bytes, NULL),
	                 HEFT_OK);
	ck_assert_uint_le(m.n_reads, 4);
	free(dst);
	made_view_done(&m);
	made_view_init(&m, &every_other, 4);
	check_range(&m, 0, m.n_bytes);
	ck_assert_uint_eq(m.n_reads, 1);
	made_view_done(&m);
}
END_TEST

static enum heft_status read_nothing(void *ctx, uint64_t off, void *dst, size_t n,
                                     struct heft_error *err)
{
	uint64_t *n_left = ctx;

	(void)dst;
	(void)n;
	return (*n_left)-- > 0 ? HEFT_OK : heft_fail(err, HEFT_E_IO, off, "no luck");
}

START_TEST(a_read_that_fails_ends_it)
{
	static const struct view turned = { 2, { 512, 700 }, { 1, 512 }, 0 };
	struct heft_error err;
	struct made_view m;
	uint64_t n_left = 3;

	made_view_init(&m, &turned, 4);
	ck_assert_int_eq(heft_strided_read(&m.s, read_nothing, &n_left, 0, m.logical, 7000, &err),
	                 HEFT_E_IO);
	ck_assert_uint_eq(err.offset, 3 * 512 * 4);
	made_view_done(&m);
}
END_TEST

static Suite *strided_suite(void)
{
	Suite *s = suite_create("strided");
	TCase *tc = tcase_create("views");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, the_whole_of_a_view_is_what_a_loop_finds, 0, (int)N_VIEWS);
	tcase_add_loop_test(tc, any_part_of_a_view_is_what_a_loop_finds, 0, (int)N_VIEWS);
	tcase_add_loop_test(tc, random_views_are_what_a_loop_finds, 0, 8);
	tcase_add_test(tc, what_can_be_joined_is_one_run);
	tcase_add_test(tc, a_matrix_is_transposed);
	tcase_add_test(tc, reads_are_as_few_as_the_places_allow);
	tcase_add_test(tc, a_read_that_fails_ends_it);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(strided_suite());
}
