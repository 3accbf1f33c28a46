/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_csv.c - bytes as a CSV file, packed by gzip or not. */
#include "walk_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	walk_data(bytes, n, "csv");
	return 0;
}
