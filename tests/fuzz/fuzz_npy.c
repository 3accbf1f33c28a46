/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_npy.c - bytes as a npy file, and as the header of one. */
#include "walk.h"

#include <string.h>

/* Behind a magic and a size that are right: the literal is reached by every input. */
static void walk_text(const uint8_t *bytes, size_t n, uint8_t version)
{
	uint8_t *file = malloc(n + 12 + 64);

	if (!file)
		abort();
	memcpy(file, "\x93NUMPY", 6);
	file[6] = version;
	file[7] = 0;
	for (int i = 0; i < 4; i++)
		file[8 + i] = (uint8_t)(n >> 8 * i);
	memcpy(file + 12, bytes, n);
	memset(file + 12 + n, 0x5a, 64);
	walk_bytes(file, n + 12 + 64, "npy", HEFT_OPEN_PREAD);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	walk_bytes(bytes, n, "npy", 0);
	if (n > 0 && n < 65536)
		walk_text(bytes + 1, n - 1, bytes[0] % 2 ? 2 : 3);
	return 0;
}
