/* SPDX-License-Identifier: Apache-2.0 */
/* sha1.c - SHA-1 through OpenSSL's EVP. */
#include "codec/sha1.h"

#include <openssl/evp.h>

#include "base/alloc.h"
#include "base/error.h"

struct heft_sha1 {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static enum heft_status fail(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "OpenSSL failed to compute SHA-1");
}

enum heft_status heft_sha1_new(struct heft_sha1 **out, struct heft_error *err)
{
	struct heft_sha1 *h = heft_zalloc(sizeof *h);

	if (!h)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for SHA-1");
	h->md = EVP_MD_fetch(NULL, "SHA1", NULL);
	h->ctx = EVP_MD_CTX_new();
	if (!h->md || !h->ctx || !EVP_DigestInit_ex2(h->ctx, h->md, NULL)) {
		heft_sha1_free(h);
		return fail(err);
	}
	*out = h;
	return HEFT_OK;
}

void heft_sha1_free(struct heft_sha1 *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	heft_free(h);
}

enum heft_status heft_sha1_add(struct heft_sha1 *h, const void *bytes, size_t n,
                               struct heft_error *err)
{
	return EVP_DigestUpdate(h->ctx, bytes, n) ? HEFT_OK : fail(err);
}

enum heft_status heft_sha1_end(struct heft_sha1 *h, uint8_t digest[HEFT_SHA1_SIZE],
                               struct heft_error *err)
{
	return EVP_DigestFinal_ex(h->ctx, digest, NULL) ? HEFT_OK : fail(err);
}
