/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - digests that can only be made in the order in which a training went. */
#include "train/chain.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "codec/sha256.h"

#define CHAIN_TEXT "heft chain"
/* Every NaN counts as this one. */
#define NAN_BITS UINT64_C(0x7ff8000000000000)

enum heft_status heft_chain_begin(const char *recipe, const uint8_t *weights_digest, uint8_t *chain,
                                  struct heft_error *err)
{
	uint8_t recipe_digest[HEFT_SHA256_SIZE];
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	heft_sha256_begin(h);
	heft_sha256_add(h, recipe, strlen(recipe));
	heft_sha256_end(h, recipe_digest);
	heft_sha256_begin(h);
	heft_sha256_add(h, CHAIN_TEXT, strlen(CHAIN_TEXT));
	heft_sha256_add(h, recipe_digest, sizeof recipe_digest);
	heft_sha256_add(h, weights_digest, HEFT_SHA256_SIZE);
	heft_sha256_end(h, chain);
	st = heft_sha256_check(h, err);
	heft_sha256_free(h);
	return st;
}

static uint64_t bits_of(double loss)
{
	uint64_t bits = isnan(loss) ? NAN_BITS : 0;

	if (!isnan(loss) && loss != 0) /* both zeros are written as 0 */
		memcpy(&bits, &loss, sizeof bits);
	return bits;
}

enum heft_status heft_chain_next(uint8_t *chain, uint64_t n_steps, double loss,
                                 const uint8_t *weights_digest, struct heft_error *err)
{
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	heft_sha256_begin(h);
	heft_sha256_add(h, chain, HEFT_SHA256_SIZE);
	heft_sha256_add_le64(h, n_steps);
	heft_sha256_add_le64(h, bits_of(loss));
	heft_sha256_add(h, weights_digest, HEFT_SHA256_SIZE);
	heft_sha256_end(h, chain);
	st = heft_sha256_check(h, err);
	heft_sha256_free(h);
	return st;
}
