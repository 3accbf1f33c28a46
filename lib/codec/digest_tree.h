/* SPDX-License-Identifier: Apache-2.0 */
/* codec/digest_tree.h - every preimage of spec/digest.md, and the trees over them. Digests are 32
 * bytes. */
#ifndef CODEC_DIGEST_TREE_H
#define CODEC_DIGEST_TREE_H

#include "codec/sha256.h"
#include "codec/sha256_pair.h"

enum heft_digest_domain {
	HEFT_DOMAIN_LEAF = 0x00, /* chunk */
	HEFT_DOMAIN_NODE = 0x01, /* of a tensor's tree */
	HEFT_DOMAIN_TENSOR = 0x02,
	HEFT_DOMAIN_WEIGHTS_LEAF = 0x03,
	HEFT_DOMAIN_WEIGHTS_NODE = 0x04,
	HEFT_DOMAIN_ARTIFACT = 0x05,
	HEFT_DOMAIN_SECTION = 0x06,
	HEFT_DOMAIN_LIST = 0x07,
	HEFT_DOMAIN_DIRECTORY = 0x08,
	HEFT_DOMAIN_PAGE = 0x09
};

/* H(domain || bytes): leaf, directory, page. */
void heft_digest_bytes(struct heft_sha256 *h, enum heft_digest_domain domain, const void *bytes,
                       size_t n, uint8_t *digest);
/* The leaves of n chunks, of any sizes: two are hashed at a time where the CPU can, which takes
 * half the time. */
void heft_digest_leaves(struct heft_sha256 *h, const struct heft_sha256_input *chunks, size_t n);
/* The same with these CPU bits, for tests. */
void heft_digest_leaves_by(uint32_t cpu_bits, struct heft_sha256 *h,
                           const struct heft_sha256_input *chunks, size_t n);
void heft_digest_section(struct heft_sha256 *h, uint32_t type, const void *bytes, size_t n,
                         uint8_t *digest);
void heft_digest_tensor(struct heft_sha256 *h, uint16_t dtype, uint8_t rank, const uint64_t *dims,
                        uint64_t n_bytes, const uint8_t *root, uint8_t *digest);
void heft_digest_weights_leaf(struct heft_sha256 *h, const void *name, uint32_t name_size,
                              const uint8_t *tensor_digest, uint8_t *digest);

/* A tree that takes its leaves one by one and holds log2 n nodes; splits at the largest power of
 * two below n. */
struct heft_tree {
	enum heft_digest_domain node; /* HEFT_DOMAIN_NODE or HEFT_DOMAIN_WEIGHTS_NODE */
	uint64_t n_leaves;
	uint8_t stack[64][HEFT_SHA256_SIZE];
};

void heft_tree_init(struct heft_tree *t, enum heft_digest_domain node);
void heft_tree_add(struct heft_tree *t, struct heft_sha256 *h, const uint8_t *leaf);
/* The root; of no leaves H(00) for a tensor's tree, H(04) for the weights tree. */
void heft_tree_root(const struct heft_tree *t, struct heft_sha256 *h, uint8_t *root);
/* The root of n leaves that lie behind one another. */
void heft_tree_root_of(struct heft_sha256 *h, enum heft_digest_domain node, const uint8_t *leaves,
                       uint64_t n, uint8_t *root);

/* The tensor list: begin with the number of tensors, add each in the source's order, end. Uses h
 * all the while. */
void heft_digest_list_begin(struct heft_sha256 *h, uint64_t n_tensors);
void heft_digest_list_add(struct heft_sha256 *h, uint8_t space, uint32_t tie, const void *name,
                          uint32_t name_size, const uint8_t *tensor_digest);
void heft_digest_list_end(struct heft_sha256 *h, uint8_t *digest);

/* The artifact digest: begin, add each content section in ascending type, end. */
void heft_digest_artifact_begin(struct heft_sha256 *h, uint16_t major,
                                const uint8_t *weights_digest, const uint8_t *list_digest,
                                uint32_t n_sections);
void heft_digest_artifact_add(struct heft_sha256 *h, uint32_t type, uint64_t size,
                              const uint8_t *section_digest);
void heft_digest_artifact_end(struct heft_sha256 *h, uint8_t *digest);

#endif
