/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_safetensors.c - bytes as a safetensors file, mapped and read. */
#include "walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	walk_bytes(bytes, n, "safetensors", 0);
	walk_bytes(bytes, n, "safetensors", HEFT_OPEN_PREAD);
	return 0;
}
