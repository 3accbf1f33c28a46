/* SPDX-License-Identifier: Apache-2.0 */
/* digest_tree.c - the preimages and trees of spec/digest.md. */
#include "codec/digest_tree.h"

#include <string.h>

#include "base/cpu.h"

void heft_digest_bytes(struct heft_sha256 *h, enum heft_digest_domain domain, const void *bytes,
                       size_t n, uint8_t *digest)
{
	heft_sha256_begin(h);
	heft_sha256_add_u8(h, (uint8_t)domain);
	heft_sha256_add(h, bytes, n);
	heft_sha256_end(h, digest);
}

void heft_digest_leaves_by(uint32_t cpu_bits, struct heft_sha256 *h,
                           const struct heft_sha256_input *chunks, size_t n)
{
	if (heft_sha256_pairs(cpu_bits, HEFT_DOMAIN_LEAF, chunks, n))
		return;
	for (size_t i = 0; i < n; i++)
		heft_digest_bytes(h, HEFT_DOMAIN_LEAF, chunks[i].bytes, chunks[i].n,
		                  chunks[i].digest);
}

void heft_digest_leaves(struct heft_sha256 *h, const struct heft_sha256_input *chunks, size_t n)
{
	heft_digest_leaves_by(heft_cpu_bits(), h, chunks, n);
}

void heft_digest_section(struct heft_sha256 *h, uint32_t type, const void *bytes, size_t n,
                         uint8_t *digest)
{
	heft_sha256_begin(h);
	heft_sha256_add_u8(h, HEFT_DOMAIN_SECTION);
	heft_sha256_add_le32(h, type);
	heft_sha256_add(h, bytes, n);
	heft_sha256_end(h, digest);
}

void heft_digest_tensor(struct heft_sha256 *h, uint16_t dtype, uint8_t rank, const uint64_t *dims,
                        uint64_t n_bytes, const uint8_t *root, uint8_t *digest)
{
	heft_sha256_begin(h);
	heft_sha256_add_u8(h, HEFT_DOMAIN_TENSOR);
	heft_sha256_add_le16(h, dtype);
	heft_sha256_add_u8(h, rank);
	for (uint8_t i = 0; i < rank; i++)
		heft_sha256_add_le64(h, dims[i]);
	heft_sha256_add_le64(h, n_bytes);
	heft_sha256_add(h, root, HEFT_SHA256_SIZE);
	heft_sha256_end(h, digest);
}

void heft_digest_weights_leaf(struct heft_sha256 *h, const void *name, uint32_t name_size,
                              const uint8_t *tensor_digest, uint8_t *digest)
{
	heft_sha256_begin(h);
	heft_sha256_add_u8(h, HEFT_DOMAIN_WEIGHTS_LEAF);
	heft_sha256_add_le32(h, name_size);
	heft_sha256_add(h, name, name_size);
	heft_sha256_add(h, tensor_digest, HEFT_SHA256_SIZE);
	heft_sha256_end(h, digest);
}

static void hash_node(struct heft_sha256 *h, enum heft_digest_domain domain, const uint8_t *left,
                      const uint8_t *right, uint8_t *digest)
{
	heft_sha256_begin(h);
	heft_sha256_add_u8(h, (uint8_t)domain);
	heft_sha256_add(h, left, HEFT_SHA256_SIZE);
	heft_sha256_add(h, right, HEFT_SHA256_SIZE);
	heft_sha256_end(h, digest);
}

void heft_tree_init(struct heft_tree *t, enum heft_digest_domain node)
{
	t->node = node;
	t->n_leaves = 0;
}

static unsigned stack_height(const struct heft_tree *t)
{
	return (unsigned)__builtin_popcountll(t->n_leaves);
}

/* The stack holds the roots of full subtrees, largest first, one for each set bit of n_leaves. A
 * new leaf joins them as a carry runs through a binary counter. */
void heft_tree_add(struct heft_tree *t, struct heft_sha256 *h, const uint8_t *leaf)
{
	unsigned height = stack_height(t);

	memcpy(t->stack[height], leaf, HEFT_SHA256_SIZE);
	for (uint64_t carry = t->n_leaves; carry & 1; carry >>= 1) {
		hash_node(h, t->node, t->stack[height - 1], t->stack[height], t->stack[height - 1]);
		height--;
	}
	t->n_leaves++;
}

/* Folding from the smallest subtree gives the split at the largest power of two below n. */
void heft_tree_root(const struct heft_tree *t, struct heft_sha256 *h, uint8_t *root)
{
	unsigned i = stack_height(t);

	if (i == 0) {
		const bool is_weights = t->node == HEFT_DOMAIN_WEIGHTS_NODE;

		heft_digest_bytes(h, is_weights ? HEFT_DOMAIN_WEIGHTS_NODE : HEFT_DOMAIN_LEAF, NULL,
		                  0, root);
		return;
	}
	memcpy(root, t->stack[--i], HEFT_SHA256_SIZE);
	while (i > 0)
		hash_node(h, t->node, t->stack[--i], root, root);
}

void heft_tree_root_of(struct heft_sha256 *h, enum heft_digest_domain node, const uint8_t *leaves,
                       uint64_t n, uint8_t *root)
{
	struct heft_tree t;

	heft_tree_init(&t, node);
	for (uint64_t i = 0; i < n; i++)
		heft_tree_add(&t, h, leaves + i * HEFT_SHA256_SIZE);
	heft_tree_root(&t, h, root);
}

void heft_digest_list_begin(struct heft_sha256 *h, uint64_t n_tensors)
{
	heft_sha256_begin(h);
	heft_sha256_add_u8(h, HEFT_DOMAIN_LIST);
	heft_sha256_add_le64(h, n_tensors);
}

void heft_digest_list_add(struct heft_sha256 *h, uint8_t space, uint32_t tie, const void *name,
                          uint32_t name_size, const uint8_t *tensor_digest)
{
	heft_sha256_add_u8(h, space);
	heft_sha256_add_le32(h, tie);
	heft_sha256_add_le32(h, name_size);
	heft_sha256_add(h, name, name_size);
	heft_sha256_add(h, tensor_digest, HEFT_SHA256_SIZE);
}

void heft_digest_list_end(struct heft_sha256 *h, uint8_t *digest)
{
	heft_sha256_end(h, digest);
}

void heft_digest_artifact_begin(struct heft_sha256 *h, uint16_t major,
                                const uint8_t *weights_digest, const uint8_t *list_digest,
                                uint32_t n_sections)
{
	heft_sha256_begin(h);
	heft_sha256_add_u8(h, HEFT_DOMAIN_ARTIFACT);
	heft_sha256_add_le16(h, major);
	heft_sha256_add(h, weights_digest, HEFT_SHA256_SIZE);
	heft_sha256_add(h, list_digest, HEFT_SHA256_SIZE);
	heft_sha256_add_le32(h, n_sections);
}

void heft_digest_artifact_add(struct heft_sha256 *h, uint32_t type, uint64_t size,
                              const uint8_t *section_digest)
{
	heft_sha256_add_le32(h, type);
	heft_sha256_add_le64(h, size);
	heft_sha256_add(h, section_digest, HEFT_SHA256_SIZE);
}

void heft_digest_artifact_end(struct heft_sha256 *h, uint8_t *digest)
{
	heft_sha256_end(h, digest);
}
