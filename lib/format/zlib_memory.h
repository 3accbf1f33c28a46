/* SPDX-License-Identifier: Apache-2.0 */
/* format/zlib_memory.h - zlib's memory is that of everybody else here. */
#ifndef FORMAT_ZLIB_MEMORY_H
#define FORMAT_ZLIB_MEMORY_H

#include <zlib.h>

/* Before the stream is begun. */
void heft_zlib_set_memory(z_stream *stream);

#endif
