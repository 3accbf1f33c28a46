/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_native.c - heft's own format behind the vtable, read by one thread and by many. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "container/index.h"
#include "made.h"
#include "scratch.h"
#include "unit.h"

#define LARGE 2500001u /* bytes: two chunks and a part */

/* A file with a bit of everything, and it open. */
struct opened {
	struct scratch scratch;
	struct heft_source *src;
	const struct heft_format *f;
	void *st;
	struct heft_error err;
};

static void make_file(struct scratch *s, enum heft_compress compress)
{
	struct made m;

	scratch_init(s);
	made_init(&m);
	m.plan.options.compress = compress;
	m.plan.options.alignment = 4096;
	m.plan.metadata = "{\"k\":[1,\"v\"]}";
	made_add(&m, "z.weight", HEFT_DTYPE_F32, 2, 3, 4);
	made_add(&m, "large", HEFT_DTYPE_U8, 1, LARGE, 0);
	made_add(&m, "a.weight", HEFT_DTYPE_F32, 2, 3, 4);
	made_add(&m, "empty", HEFT_DTYPE_I64, 2, 0, 7);
	made_add_in(&m, "large", HEFT_DTYPE_F16, HEFT_SPACE_OPTIMIZER, 0, 0, 0);
	heft_listing_row_mut(m.tensors, 2)->tie = 0;
	heft_listing_row_mut(m.tensors, 2)->share = 0;
	made_write(&m, "heft", scratch_path(s, "m.heft"));
	made_done(&m);
}

static enum heft_status open_file(struct opened *o, uint32_t flags)
{
	const struct heft_open_options options = { .flags = flags };

	o->f = heft_format_by_name("heft");
	ck_assert_int_eq(heft_source_open(o->scratch.paths[0], true, &o->src, NULL), HEFT_OK);
	return o->f->open(o->src, o->scratch.paths[0], &options, &o->st, &o->err);
}

static void open_made(struct opened *o, enum heft_compress compress, uint32_t flags)
{
	memset(o, 0, sizeof *o);
	make_file(&o->scratch, compress);
	ck_assert_msg(open_file(o, flags) == HEFT_OK, "%s", o->err.msg);
}

static void opened_done(struct opened *o)
{
	o->f->close(o->st);
	heft_source_close(o->src);
	scratch_done(&o->scratch);
}

static const struct way {
	enum heft_compress compress;
	uint32_t flags;
} ways[] = {
	{ HEFT_COMPRESS_NONE, 0 },
	{ HEFT_COMPRESS_NONE, HEFT_OPEN_VERIFY },
	{ HEFT_COMPRESS_NONE, HEFT_OPEN_TRUST_INDEX },
	{ HEFT_COMPRESS_FAST, 0 },
	{ HEFT_COMPRESS_FAST, HEFT_OPEN_VERIFY },
	{ HEFT_COMPRESS_FAST, HEFT_OPEN_TRUST_INDEX | HEFT_OPEN_VERIFY },
};

START_TEST(tensors_are_described_in_the_order_of_the_source)
{
	struct heft_tensor t;
	struct opened o;
	uint32_t i;

	open_made(&o, ways[_i].compress, ways[_i].flags);
	ck_assert_uint_eq(o.f->n_tensors(o.st), 5);
	ck_assert_int_eq(o.f->tensor_at(o.st, 0, &t, NULL), HEFT_OK);
	ck_assert_str_eq(t.name, "z.weight");
	ck_assert_int_eq(t.dtype, HEFT_DTYPE_F32);
	ck_assert_int_eq(t.role, HEFT_ROLE_WEIGHT);
	ck_assert_uint_eq(t.rank, 2);
	ck_assert_uint_eq(t.dims[1], 4);
	ck_assert_uint_eq(t.n_elements, 12);
	ck_assert_uint_eq(t.n_bytes, 48);
	ck_assert_uint_eq(t.index, 0);
	ck_assert_uint_eq(t.alignment, ways[_i].compress == HEFT_COMPRESS_NONE ? 4096 : 1);
	/* The table names the tie by its first row, which is a.weight; a tensor of the list, by the
	 * first in the order of the table too. */
	ck_assert_int_eq(o.f->tensor_at(o.st, 2, &t, NULL), HEFT_OK);
	ck_assert_str_eq(t.name, "a.weight");
	i = t.tie;
	ck_assert_int_eq(o.f->tensor_at(o.st, 0, &t, NULL), HEFT_OK);
	ck_assert_uint_eq(t.tie, i);
	ck_assert_int_eq(o.f->tensor_at(o.st, 3, &t, NULL), HEFT_OK);
	ck_assert_uint_eq(t.n_bytes, 0);
	ck_assert_uint_eq(t.tie, 3);
	ck_assert_int_eq(o.f->find(o.st, HEFT_SPACE_OPTIMIZER, "large", &i, NULL), HEFT_OK);
	ck_assert_uint_eq(i, 4);
	ck_assert_int_eq(o.f->find(o.st, HEFT_SPACE_WEIGHTS, "large", &i, NULL), HEFT_OK);
	ck_assert_uint_eq(i, 1);
	ck_assert_int_eq(o.f->find(o.st, HEFT_SPACE_STATE, "large", &i, NULL), HEFT_E_NOT_FOUND);
	ck_assert_ptr_nonnull(o.f->index(o.st));
	opened_done(&o);
}
END_TEST

/* Without an assertion, so that many threads may ask. */
static bool range_is_right(const struct opened *o, uint32_t i, uint32_t values_of, uint64_t off,
                           size_t n)
{
	uint8_t *bytes = malloc(n + 1);
	bool ok = bytes != NULL;

	if (ok)
		bytes[n] = 0xee;
	ok = ok && o->f->read(o->st, i, off, bytes, n, NULL) == HEFT_OK && bytes[n] == 0xee;
	for (size_t b = 0; ok && b < n; b++)
		ok = bytes[b] == made_byte(values_of, off + b);
	free(bytes);
	return ok;
}

START_TEST(ranges_are_read_across_chunks)
{
	struct opened o;

	open_made(&o, ways[_i].compress, ways[_i].flags);
	ck_assert(range_is_right(&o, 0, 0, 0, 48));
	ck_assert(range_is_right(&o, 2, 0, 5, 17)); /* the bytes of the tensor that it is tied to */
	ck_assert(range_is_right(&o, 1, 1, 0, LARGE));
	ck_assert(range_is_right(&o, 1, 1, HEFT_CHUNK_MAX - 1, 2));
	ck_assert(range_is_right(&o, 1, 1, 17, HEFT_CHUNK_MAX));
	ck_assert(range_is_right(&o, 1, 1, HEFT_CHUNK_MAX, HEFT_CHUNK_MAX + 9));
	ck_assert(range_is_right(&o, 1, 1, LARGE - 1, 1));
	ck_assert(range_is_right(&o, 4, 4, 0, 2));
	opened_done(&o);
}
END_TEST

START_TEST(a_place_is_told_where_bytes_lie_as_they_are)
{
	struct opened o;
	uint8_t bytes[48];
	struct heft_place place;

	open_made(&o, HEFT_COMPRESS_NONE, 0);
	ck_assert_int_eq(o.f->locate(o.st, 2, &place, NULL), HEFT_OK);
	ck_assert_int_eq(heft_source_read(place.src, place.off, bytes, sizeof bytes, NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(bytes[47], made_byte(0, 47));
	opened_done(&o);
	open_made(&o, HEFT_COMPRESS_FAST, 0);
	ck_assert_int_eq(o.f->locate(o.st, 1, &place, NULL), HEFT_E_UNSUPPORTED);
	opened_done(&o);
}
END_TEST

/* Changes a byte of the file at `off`, and opens it again. */
static void damage(struct opened *o, uint64_t off, uint32_t flags)
{
	size_t size;
	char *bytes = scratch_read(o->scratch.paths[0], &size);

	bytes[off] ^= 0x10;
	scratch_write(o->scratch.paths[0], bytes, size);
	free(bytes);
	o->f->close(o->st);
	heft_source_close(o->src);
	o->st = NULL;
	ck_assert_int_eq(open_file(o, flags), HEFT_OK);
}

START_TEST(damage_passes_where_nobody_asks_for_verification)
{
	struct opened o;
	uint8_t byte;
	struct heft_place place;

	open_made(&o, HEFT_COMPRESS_NONE, 0);
	ck_assert_int_eq(o.f->locate(o.st, 1, &place, NULL), HEFT_OK);
	damage(&o, place.off + HEFT_CHUNK_MAX + 5, 0);
	ck_assert_int_eq(o.f->read(o.st, 1, HEFT_CHUNK_MAX, &byte, 1, NULL), HEFT_OK);
	opened_done(&o);
}
END_TEST

START_TEST(a_part_of_a_damaged_chunk_is_refused_when_verified)
{
	struct opened o;
	uint8_t byte;
	struct heft_place place;

	open_made(&o, HEFT_COMPRESS_NONE, HEFT_OPEN_VERIFY);
	ck_assert_int_eq(o.f->locate(o.st, 1, &place, NULL), HEFT_OK);
	damage(&o, place.off + HEFT_CHUNK_MAX + 5, HEFT_OPEN_VERIFY);
	ck_assert_int_eq(o.f->read(o.st, 1, HEFT_CHUNK_MAX, &byte, 1, &o.err), HEFT_E_CORRUPT);
	ck_assert_uint_ne(o.err.offset, HEFT_NO_OFFSET);
	ck_assert_int_eq(o.f->read(o.st, 1, 0, &byte, 1, NULL), HEFT_OK);
	ck_assert_int_eq(o.f->read(o.st, 1, LARGE - 1, &byte, 1, NULL), HEFT_OK);
	opened_done(&o);
}
END_TEST

START_TEST(metadata_is_read_once_and_is_an_empty_object_where_there_is_none)
{
	struct heft_section section;
	struct opened o;
	struct made m;
	const char *json;
	const char *again;

	open_made(&o, HEFT_COMPRESS_NONE, 0);
	ck_assert_int_eq(o.f->metadata(o.st, &json, NULL), HEFT_OK);
	ck_assert_str_eq(json, "{\"k\":[1,\"v\"]}");
	ck_assert_int_eq(o.f->metadata(o.st, &again, NULL), HEFT_OK);
	ck_assert_ptr_eq(json, again);
	ck_assert(heft_index_find_section(o.f->index(o.st), HEFT_SECTION_META, &section));
	damage(&o, section.off, 0);
	ck_assert_int_eq(o.f->metadata(o.st, &json, NULL), HEFT_E_CORRUPT);
	opened_done(&o);

	memset(&o, 0, sizeof o);
	scratch_init(&o.scratch);
	made_init(&m);
	made_write(&m, "heft", scratch_path(&o.scratch, "none.heft"));
	ck_assert_int_eq(open_file(&o, 0), HEFT_OK);
	ck_assert_uint_eq(o.f->n_tensors(o.st), 0);
	ck_assert_int_eq(o.f->metadata(o.st, &json, NULL), HEFT_OK);
	ck_assert_str_eq(json, "{}");
	made_done(&m);
	opened_done(&o);
}
END_TEST

struct thread {
	pthread_t id;
	const struct opened *o;
	bool ok;
};

static void *read_everything(void *ctx)
{
	struct thread *thread = ctx;
	const struct opened *o = thread->o;
	struct heft_tensor t;
	const char *json;

	thread->ok = true;
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < 5; i++)
			thread->ok &= o->f->tensor_at(o->st, i, &t, NULL) == HEFT_OK && *t.name;
		thread->ok &= o->f->metadata(o->st, &json, NULL) == HEFT_OK;
		thread->ok &= range_is_right(o, 1, 1, round * 300007u, 1300000);
	}
	return NULL;
}

START_TEST(many_threads_read_one_file)
{
	struct thread threads[4];
	struct opened o;

	open_made(&o, ways[_i].compress, ways[_i].flags);
	for (int i = 0; i < 4; i++) {
		threads[i].o = &o;
		ck_assert_int_eq(pthread_create(&threads[i].id, NULL, read_everything, &threads[i]),
		                 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i].id, NULL);
		ck_assert(threads[i].ok);
	}
	opened_done(&o);
}
END_TEST

START_TEST(an_alignment_that_is_none_is_refused)
{
	static const uint32_t alignments[] = { 1, 32, 65, 4097, 4u << 20, UINT32_MAX };
	struct made m;

	made_init(&m);
	m.plan.options.alignment = alignments[_i];
	ck_assert_int_eq(heft_format_by_name("heft")->check(&m.plan, NULL), HEFT_E_USAGE);
	made_done(&m);
}
END_TEST

static Suite *native_suite(void)
{
	const int n_ways = (int)(sizeof ways / sizeof *ways);
	Suite *s = suite_create("format_native");
	TCase *tc = tcase_create("native");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, tensors_are_described_in_the_order_of_the_source, 0, n_ways);
	tcase_add_loop_test(tc, ranges_are_read_across_chunks, 0, n_ways);
	tcase_add_test(tc, a_place_is_told_where_bytes_lie_as_they_are);
	tcase_add_test(tc, damage_passes_where_nobody_asks_for_verification);
	tcase_add_test(tc, a_part_of_a_damaged_chunk_is_refused_when_verified);
	tcase_add_test(tc, metadata_is_read_once_and_is_an_empty_object_where_there_is_none);
	tcase_add_loop_test(tc, many_threads_read_one_file, 0, n_ways);
	tcase_add_loop_test(tc, an_alignment_that_is_none_is_refused, 0, 6);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(native_suite());
}
