/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack.h - assembles a heft file in memory from its text form. It is not the production
 * writer: it writes what the text says, right or wrong. */
#ifndef CONTAINER_PACK_H
#define CONTAINER_PACK_H

#include "base/buffer.h"
#include "heft/text.h"

/* As heft_pack, into `file` (initialised by the caller), which then holds the whole file. The text
 * may state at most max_size bytes of data (HEFT_E_LIMIT). */
enum heft_status heft_pack_bytes(const char *text, size_t text_size, uint64_t max_size,
                                 struct heft_buffer *file, struct heft_error *err);

#endif
