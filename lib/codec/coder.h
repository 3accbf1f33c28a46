/* SPDX-License-Identifier: Apache-2.0 */
/* codec/coder.h - what struct heft_coder holds, for the codecs themselves. */
#ifndef CODEC_CODER_H
#define CODEC_CODER_H

#include "codec/codec.h"

struct heft_zstd; /* zstd's contexts; zstd.c alone knows them */

struct heft_coder {
	struct heft_zstd *zstd; /* NULL until first used */
	bool lacked_memory;
};

void heft_zstd_free(struct heft_zstd *z);

#endif
