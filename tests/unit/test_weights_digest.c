/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_digest.c - digests from the data: of bytes that many tensors share, of dtypes that
 * are not known, and of damaged files. */
#include "heft/digest.h"

#include <unistd.h>

#include "made.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

#define SIZE ((2u << 20) + 5)

static struct scratch s;
static struct heft_error err;

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

static bool keep_total(void *user, uint64_t n_done, uint64_t n_total)
{
	uint64_t *total = user;

	*total = n_total;
	return n_done > n_total;
}

static void digest_all(const char *path, uint32_t flags, uint64_t *total, uint8_t *digests)
{
	const struct heft_open_options options = { .flags = flags };
	const struct heft_run run = { .n_threads = 3, .progress = keep_total, .user = total };
	struct heft_file *file;

	ck_assert_int_eq(heft_open(path, &options, &file, &err), HEFT_OK);
	ck_assert_msg(heft_tensor_digests(file, &run, digests, &err) == HEFT_OK, "%s", err.msg);
	heft_close(file);
}

/* A file of a few kilobytes may share a run a thousand times: neither time nor memory may go by
 * what that adds up to. spec R9-2 */
START_TEST(shared_bytes_are_read_once)
{
	static const uint32_t flags[] = { 0, HEFT_OPEN_VERIFY, HEFT_OPEN_TRUST_INDEX };
	static const char *const names[] = { "z", "other", "a", "empty", "m", "n" };
	static const uint64_t sizes[] = { SIZE, 7, SIZE, 0, SIZE, SIZE };
	uint8_t shared[6 * HEFT_DIGEST_SIZE];
	uint8_t alone[6 * HEFT_DIGEST_SIZE];
	uint64_t total;
	struct made m;

	made_init(&m);
	for (uint32_t i = 0; i < 6; i++) {
		made_add(&m, names[i], HEFT_DTYPE_U8, 1, sizes[i], 0);
		if (sizes[i] == SIZE)
			heft_listing_row_mut(m.tensors, i)->share = 0;
	}
	made_write(&m, "heft", scratch_path(&s, "a.heft"));
	made_write(&m, "safetensors", scratch_path(&s, "a.safetensors"));
	made_done(&m);
	digest_all(scratch_path(&s, "a.safetensors"), 0, &total, alone);
	ck_assert_uint_eq(total, 4 * (uint64_t)SIZE + 7);
	digest_all(scratch_path(&s, "a.heft"), flags[_i], &total, shared);
	ck_assert_uint_eq(total, (uint64_t)SIZE + 7);
	ck_assert_mem_eq(shared, alone, sizeof alone);
}
END_TEST

START_TEST(one_tensor_has_the_digest_that_it_has_among_others)
{
	static const char *const formats[] = { "heft", "safetensors" };
	uint8_t all[(MODEL_N + 1) * HEFT_DIGEST_SIZE];
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file;
	struct heft_tensor t;

	model_write(scratch_path(&s, "a"), formats[_i], NULL, true, NULL);
	file = model_open(scratch_path(&s, "a"));
	ck_assert_int_eq(heft_tensor_digests(file, NULL, all, &err), HEFT_OK);
	for (uint32_t i = 0; i < MODEL_N + 1; i++) {
		ck_assert_int_eq(heft_tensor_at(file, i, &t, &err), HEFT_OK);
		ck_assert_int_eq(heft_tensor_digest(file, &t, NULL, digest, &err), HEFT_OK);
		ck_assert_mem_eq(digest, all + i * HEFT_DIGEST_SIZE, sizeof digest);
		if (_i == 0) {
			ck_assert_int_eq(heft_stated_tensor_digest(file, &t, digest, &err),
			                 HEFT_OK);
			ck_assert_mem_eq(digest, all + i * HEFT_DIGEST_SIZE, sizeof digest);
		}
	}
	t.index = MODEL_N + 1;
	ck_assert_int_eq(heft_tensor_digest(file, &t, NULL, digest, &err), HEFT_E_USAGE);
	if (_i == 0)
		ck_assert_int_eq(heft_stated_tensor_digest(file, &t, digest, &err), HEFT_E_USAGE);
	heft_close(file);
}
END_TEST

/* Flips a byte of the data of a heft file: the digest of what is there differs, and with
 * verification there is none. */
START_TEST(damage_is_found_where_it_is_asked_for)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_VERIFY };
	uint8_t digest[HEFT_DIGEST_SIZE];
	uint8_t stated[HEFT_DIGEST_SIZE];
	struct heft_file *file;
	size_t size;
	char *bytes;

	model_write(scratch_path(&s, "a.heft"), "heft", NULL, false, NULL);
	bytes = scratch_read(scratch_path(&s, "a.heft"), &size);
	bytes[8192 + (2 << 20)] ^= 1;
	bytes[8192 + 100000] ^= 1;
	scratch_write(scratch_path(&s, "a.heft"), bytes, size);
	free(bytes);
	file = model_open(scratch_path(&s, "a.heft"));
	ck_assert_int_eq(heft_weights_digest(file, NULL, digest, &err), HEFT_OK);
	ck_assert_int_eq(heft_stated_weights_digest(file, stated, &err), HEFT_OK);
	ck_assert_mem_ne(digest, stated, sizeof stated);
	heft_close(file);
	ck_assert_int_eq(heft_open(scratch_path(&s, "a.heft"), &options, &file, &err), HEFT_OK);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(heft_weights_digest(file, NULL, digest, &err), HEFT_E_CORRUPT);
		ck_assert_ptr_nonnull(strstr(err.msg, "chunk 0 of tensor 'big'"));
	}
	heft_close(file);
}
END_TEST

/* Two chunks are read before they are hashed; yet the first one's damage comes before the second
 * one's, be that what it may. */
START_TEST(damage_is_told_in_the_order_of_the_file)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_VERIFY };
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file;
	size_t size;
	char *bytes;

	model_write(scratch_path(&s, "a.heft"), "heft", NULL, false, NULL);
	bytes = scratch_read(scratch_path(&s, "a.heft"), &size);
	bytes[8192 + 100000] ^= _i == 0;
	scratch_write(scratch_path(&s, "a.heft"), bytes, size);
	free(bytes);
	ck_assert_int_eq(heft_open(scratch_path(&s, "a.heft"), &options, &file, &err), HEFT_OK);
	/* The leaves are in memory from here on. */
	ck_assert_int_eq(heft_weights_digest(file, NULL, digest, &err),
	                 _i == 0 ? HEFT_E_CORRUPT : HEFT_OK);
	ck_assert_int_eq(truncate(scratch_path(&s, "a.heft"), 8192 + (1 << 20) + 500000), 0);
	ck_assert_int_eq(heft_weights_digest(file, NULL, digest, &err), HEFT_E_CORRUPT);
	ck_assert_msg(strstr(err.msg, _i == 0 ? "chunk 0 of tensor 'big'" : "file ends"), "%s",
	              err.msg);
	heft_close(file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights digest");
	TCase *tc = tcase_create("digest");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, shared_bytes_are_read_once, 0, 3);
	tcase_add_loop_test(tc, one_tensor_has_the_digest_that_it_has_among_others, 0, 2);
	tcase_add_test(tc, damage_is_found_where_it_is_asked_for);
	tcase_add_loop_test(tc, damage_is_told_in_the_order_of_the_file, 0, 2);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
