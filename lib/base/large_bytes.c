/* SPDX-License-Identifier: Apache-2.0 */
/* large_bytes.c - room on the heap, or in a mapped temporary file. */
#include "base/large_bytes.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"

/* What lies in a temporary file is written to disk, sooner or later. */
#define HEAP_MAX (UINT64_C(16) << 20)

static bool map_scratch(struct heft_large_bytes *b, const char *folder)
{
	uint64_t off;

	if (heft_scratch_new(folder, &b->scratch, NULL) != HEFT_OK)
		return false;
	if (heft_scratch_add(b->scratch, b->size, &off, NULL) == HEFT_OK &&
	    heft_scratch_map(b->scratch, off, b->size, &b->bytes, NULL) == HEFT_OK)
		return true;
	heft_scratch_free(b->scratch);
	b->scratch = NULL;
	return false;
}

enum heft_status heft_large_bytes_init(struct heft_large_bytes *b, uint64_t n, const char *folder,
                                       struct heft_error *err)
{
	size_t size;

	*b = (struct heft_large_bytes){ .size = n };
	if (n > HEAP_MAX && map_scratch(b, folder))
		return HEFT_OK;
	if (heft_to_size(n, &size))
		b->bytes = heft_alloc(size);
	if (b->bytes)
		return HEFT_OK;
	b->size = 0;
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %llu bytes",
	                 (unsigned long long)n);
}

void heft_large_bytes_done(struct heft_large_bytes *b)
{
	if (b->scratch)
		heft_scratch_unmap(b->bytes, b->size);
	else
		heft_free(b->bytes);
	heft_scratch_free(b->scratch);
	*b = (struct heft_large_bytes){ .bytes = NULL };
}
