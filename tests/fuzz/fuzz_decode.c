/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_decode.c - bytes as a stored chunk of every codec; the first four say how large it
 * decodes. */
#include <string.h>

#include "codec/codec.h"
#include "fuzz.h"

#define MAX_LOGICAL (UINT32_C(1) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct heft_coder *coder;
	uint32_t n_logical;
	uint8_t *dst;

	if (n < sizeof n_logical || heft_coder_new(&coder, NULL) != HEFT_OK)
		return 0;
	memcpy(&n_logical, bytes, sizeof n_logical);
	n_logical = n_logical % MAX_LOGICAL + 1;
	dst = malloc(n_logical);
	if (!dst)
		abort();
	for (unsigned id = 0; id <= UINT8_MAX; id++) {
		const struct heft_codec *codec = heft_codec_find((uint8_t)id);
		const size_t stored = n - sizeof n_logical;

		if (codec && stored <= codec->max_stored(n_logical))
			codec->decode(coder, bytes + sizeof n_logical, stored, dst, n_logical, 0,
			              NULL);
	}
	free(dst);
	heft_coder_free(coder);
	return 0;
}
