/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pytorch.c - bytes as a PyTorch file, mapped and read. */
#include "walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	walk_bytes(bytes, n, "pytorch", 0);
	walk_bytes(bytes, n, "pytorch", HEFT_OPEN_PREAD);
	return 0;
}
