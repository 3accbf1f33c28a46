/* SPDX-License-Identifier: Apache-2.0 */
/* sha256.c - SHA-256 through OpenSSL's EVP, with small adds gathered before they reach it. */
#include "codec/sha256.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "codec/sha256_block.h"

/* Digests that a hasher makes by itself before it sets OpenSSL up: enough to open a heft file whose
 * index is trusted, page, directory and all. */
#define N_PORTABLE 8

struct heft_sha256 {
	EVP_MD *md; /* NULL until OpenSSL is needed: its first use in a process takes 0.8 ms */
	EVP_MD_CTX *ctx;
	bool ok;
	bool has_begun; /* OpenSSL holds a part of this preimage */
	unsigned n_made;
	size_t n_gathered;
	uint8_t gathered[1024]; /* a call of EVP costs as much as hashing 60 bytes */
};

enum heft_status heft_sha256_new(struct heft_sha256 **out, struct heft_error *err)
{
	struct heft_sha256 *h = heft_zalloc(sizeof *h);

	if (!h)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for SHA-256");
	h->ok = true;
	*out = h;
	return HEFT_OK;
}

void heft_sha256_free(struct heft_sha256 *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	heft_free(h);
}

void heft_sha256_begin(struct heft_sha256 *h)
{
	h->n_gathered = 0;
	h->has_begun = false;
}

/* OPENSSL_INIT_NO_LOAD_CONFIG would save 0.3 ms, but it keeps the whole process from ever loading
 * the system's configuration by itself, which is not for a library to say: its host may speak
 * TLS. */
static bool set_up(struct heft_sha256 *h)
{
	if (!h->md)
		h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!h->ctx)
		h->ctx = EVP_MD_CTX_new();
	return h->md && h->ctx;
}

static void hash(struct heft_sha256 *h, const void *bytes, size_t n)
{
	if (!h->has_begun && !(set_up(h) && EVP_DigestInit_ex2(h->ctx, h->md, NULL)))
		h->ok = false;
	h->has_begun = true;
	if (h->ok && !EVP_DigestUpdate(h->ctx, bytes, n))
		h->ok = false;
}

static void flush(struct heft_sha256 *h)
{
	if (h->n_gathered > 0 || !h->has_begun)
		hash(h, h->gathered, h->n_gathered);
	h->n_gathered = 0;
}

void heft_sha256_add(struct heft_sha256 *h, const void *bytes, size_t n)
{
	if (n > sizeof h->gathered - h->n_gathered && h->n_gathered > 0)
		flush(h);
	if (n > sizeof h->gathered) {
		hash(h, bytes, n);
	} else if (n > 0) {
		memcpy(h->gathered + h->n_gathered, bytes, n);
		h->n_gathered += n;
	}
}

void heft_sha256_add_u8(struct heft_sha256 *h, uint8_t v)
{
	heft_sha256_add(h, &v, 1);
}

void heft_sha256_add_le16(struct heft_sha256 *h, uint16_t v)
{
	uint8_t bytes[2];

	heft_put_le16(bytes, v);
	heft_sha256_add(h, bytes, sizeof bytes);
}

void heft_sha256_add_le32(struct heft_sha256 *h, uint32_t v)
{
	uint8_t bytes[4];

	heft_put_le32(bytes, v);
	heft_sha256_add(h, bytes, sizeof bytes);
}

void heft_sha256_add_le64(struct heft_sha256 *h, uint64_t v)
{
	uint8_t bytes[8];

	heft_put_le64(bytes, v);
	heft_sha256_add(h, bytes, sizeof bytes);
}

void heft_sha256_end(struct heft_sha256 *h, uint8_t *digest)
{
	if (h->ok && !h->has_begun && !h->md && h->n_made < N_PORTABLE) {
		h->n_made++;
		heft_sha256_portable(h->gathered, h->n_gathered, digest);
		return;
	}
	flush(h);
	if (h->ok && !EVP_DigestFinal_ex(h->ctx, digest, NULL))
		h->ok = false;
	if (!h->ok)
		memset(digest, 0, HEFT_SHA256_SIZE);
}

bool heft_sha256_ok(const struct heft_sha256 *h)
{
	return h->ok;
}

enum heft_status heft_sha256_check(const struct heft_sha256 *h, struct heft_error *err)
{
	if (h->ok)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "OpenSSL failed to compute SHA-256");
}
