/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_npz.c - bytes as an npz file, mapped and read. */
#include "walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	walk_bytes(bytes, n, "npz", 0);
	walk_bytes(bytes, n, "npz", HEFT_OPEN_PREAD);
	return 0;
}
