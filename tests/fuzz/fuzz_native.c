/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_native.c - bytes as a heft file, with its tables verified and with them trusted. */
#include "walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	walk_bytes(bytes, n, "heft", 0);
	walk_bytes(bytes, n, "heft", HEFT_OPEN_VERIFY | HEFT_OPEN_PREAD);
	walk_bytes(bytes, n, "heft", HEFT_OPEN_TRUST_INDEX);
	walk_bytes(bytes, n, "heft", HEFT_OPEN_PREVIOUS);
	return 0;
}
