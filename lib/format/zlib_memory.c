/* SPDX-License-Identifier: Apache-2.0 */
/* zlib_memory.c - gives zlib the allocator of base/alloc.h. */
#include "format/zlib_memory.h"

#include "base/alloc.h"

static void *take(void *opaque, unsigned n, unsigned size)
{
	(void)opaque;
	return heft_alloc_array(n, size);
}

static void give(void *opaque, void *p)
{
	(void)opaque;
	heft_free(p);
}

void heft_zlib_set_memory(z_stream *stream)
{
	stream->zalloc = take;
	stream->zfree = give;
}
