/* SPDX-License-Identifier: Apache-2.0 */
/* test_codec_digest_tree.c - tests of lib/codec/digest_tree.c; the worked examples were made with
 * Python's hashlib. */
#include "codec/digest_tree.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

#define MAX_LEAVES 70

static struct heft_sha256 *h;

static void set_up(void)
{
	ck_assert_int_eq(heft_sha256_new(&h, NULL), HEFT_OK);
}

static void tear_down(void)
{
	heft_sha256_free(h);
}

static void assert_digest(const uint8_t *digest, const char *hex)
{
	char text[2 * HEFT_SHA256_SIZE + 1];

	for (size_t i = 0; i < HEFT_SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(text, hex);
}

/* The definition of RFC 9162, 2.1.1, word by word. */
static void naive_root(uint8_t node, const uint8_t *leaves, size_t n, uint8_t *root)
{
	uint8_t preimage[1 + 2 * HEFT_SHA256_SIZE];
	size_t k = 1;

	if (n == 1) {
		memcpy(root, leaves, HEFT_SHA256_SIZE);
		return;
	}
	while (2 * k < n)
		k *= 2;
	preimage[0] = node;
	naive_root(node, leaves, k, preimage + 1);
	naive_root(node, leaves + k * HEFT_SHA256_SIZE, n - k, preimage + 1 + HEFT_SHA256_SIZE);
	heft_sha256_begin(h);
	heft_sha256_add(h, preimage, sizeof preimage);
	heft_sha256_end(h, root);
}

START_TEST(trees_split_at_the_largest_power_of_two_below_n)
{
	static const enum heft_digest_domain nodes[] = { HEFT_DOMAIN_NODE,
		                                         HEFT_DOMAIN_WEIGHTS_NODE };
	const enum heft_digest_domain node = nodes[_i];
	uint8_t leaves[MAX_LEAVES * HEFT_SHA256_SIZE];
	uint8_t want[HEFT_SHA256_SIZE];
	uint8_t got[HEFT_SHA256_SIZE];
	struct heft_tree t;

	for (uint8_t i = 0; i < MAX_LEAVES; i++)
		heft_digest_bytes(h, HEFT_DOMAIN_LEAF, &i, 1, leaves + i * HEFT_SHA256_SIZE);
	heft_tree_init(&t, node);
	for (size_t n = 1; n <= MAX_LEAVES; n++) {
		heft_tree_add(&t, h, leaves + (n - 1) * HEFT_SHA256_SIZE);
		naive_root((uint8_t)node, leaves, n, want);
		heft_tree_root(&t, h, got); /* and goes on: the root changes nothing */
		ck_assert_mem_eq(got, want, sizeof got);
		heft_tree_root_of(h, node, leaves, n, got);
		ck_assert_mem_eq(got, want, sizeof got);
	}
}
END_TEST

START_TEST(one_leaf_is_its_own_root)
{
	uint8_t leaf[HEFT_SHA256_SIZE];
	uint8_t root[HEFT_SHA256_SIZE];

	memset(leaf, 0xa5, sizeof leaf);
	heft_tree_root_of(h, HEFT_DOMAIN_NODE, leaf, 1, root);
	ck_assert_mem_eq(root, leaf, sizeof leaf);
}
END_TEST

START_TEST(trees_without_leaves_have_roots_of_their_own)
{
	uint8_t root[HEFT_SHA256_SIZE];

	heft_tree_root_of(h, HEFT_DOMAIN_NODE, NULL, 0, root);
	assert_digest(root, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
	heft_tree_root_of(h, HEFT_DOMAIN_WEIGHTS_NODE, NULL, 0, root);
	assert_digest(root, "e52d9c508c502347344d8c07ad91cbd6068afc75ff6292f062a09ca381c89e71");
}
END_TEST

/* The tensor of the worked examples: F32 [2, 3], 24 bytes, its root the leaf of "abc". */
static void example_tensor(uint8_t *digest)
{
	static const uint64_t dims[] = { 2, 3 };
	uint8_t root[HEFT_SHA256_SIZE];

	heft_digest_bytes(h, HEFT_DOMAIN_LEAF, "abc", 3, root);
	assert_digest(root, "609f6e36d2405585188d5cfd761f407c7cc46a7d3f314c88270469dde315fcd1");
	heft_digest_tensor(h, 0x12, 2, dims, 24, root, digest);
}

START_TEST(the_tensor_digest_is_that_of_its_example)
{
	uint8_t digest[HEFT_SHA256_SIZE];

	example_tensor(digest);
	assert_digest(digest, "cc3c1e7cc38157cc841a89d67400b66374bca442a7e2573978ddfca0880e0766");
}
END_TEST

START_TEST(the_weights_digest_is_that_of_its_example)
{
	uint8_t tensor[HEFT_SHA256_SIZE];
	uint8_t leaves[3 * HEFT_SHA256_SIZE];
	uint8_t root[HEFT_SHA256_SIZE];

	example_tensor(tensor);
	heft_digest_weights_leaf(h, "a", 1, tensor, leaves);
	heft_digest_weights_leaf(h, "bc", 2, tensor, leaves + HEFT_SHA256_SIZE);
	heft_digest_weights_leaf(h, "", 0, tensor, leaves + 2 * HEFT_SHA256_SIZE);
	assert_digest(leaves, "98e95f344114e01b698d946d485db84bb1c3dbddcac7319ed8c5d48ce2325576");
	heft_tree_root_of(h, HEFT_DOMAIN_WEIGHTS_NODE, leaves, 3, root);
	assert_digest(root, "993d7e9b449df5b1bd13a7a0e5ff970082612fcfa0284f68a1e108ac54c7ef5b");
}
END_TEST

START_TEST(the_artifact_digest_is_that_of_its_example)
{
	uint8_t tensor[HEFT_SHA256_SIZE];
	uint8_t section[HEFT_SHA256_SIZE];
	uint8_t list[HEFT_SHA256_SIZE];
	uint8_t artifact[HEFT_SHA256_SIZE];

	example_tensor(tensor);
	heft_digest_section(h, 7, "{}", 2, section);
	assert_digest(section, "d5318a9e366ff421bdaec21234c01a3a151395b045475c890782818aae0bfc6d");
	heft_digest_list_begin(h, 2);
	heft_digest_list_add(h, 0, 0, "a", 1, tensor);
	heft_digest_list_add(h, 1, 1, "bc", 2, tensor);
	heft_digest_list_end(h, list);
	assert_digest(list, "8fb5933b904fea5970f81c925fa8573fa3a83742dcedf07b543ea61bb83e194b");
	heft_digest_artifact_begin(h, 1, tensor, list, 1);
	heft_digest_artifact_add(h, 7, 2, section);
	heft_digest_artifact_end(h, artifact);
	assert_digest(artifact, "bba54cfe59aa49a2014c28a41f7d8a72eea54f89cf53e2b3e738840642db29ef");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codec_digest_tree");
	TCase *tcase = tcase_create("digest_tree");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, trees_split_at_the_largest_power_of_two_below_n, 0, 2);
	tcase_add_test(tcase, one_leaf_is_its_own_root);
	tcase_add_test(tcase, trees_without_leaves_have_roots_of_their_own);
	tcase_add_test(tcase, the_tensor_digest_is_that_of_its_example);
	tcase_add_test(tcase, the_weights_digest_is_that_of_its_example);
	tcase_add_test(tcase, the_artifact_digest_is_that_of_its_example);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
