/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_open.c - bytes as whatever format recognises them, and a conversion of what opens. */
#include "heft/convert.h"
#include "walk.h"

static void convert(const uint8_t *bytes, size_t n)
{
	const struct heft_open_options options = {
		.limits = { .max_tensors = 4096, .max_logical_bytes = 4 * WALK_BYTES },
	};
	const struct heft_convert_plan plan = {
		.format = "safetensors",
		.float_dtype = HEFT_DTYPE_F16,
		.write = { .overwrite = true, .no_sync = true },
		.run = { .n_threads = 1 },
	};
	const int fd = fuzz_file_open(bytes, n);
	struct heft_file *file;
	char path[64];
	char target[64];

	fuzz_file_path(fd, path, sizeof path);
	snprintf(target, sizeof target, "/tmp/heft-fuzz-%ld.safetensors", (long)getpid());
	if (heft_open(path, &options, &file, NULL) == HEFT_OK) {
		if (heft_convert(file, target, &plan, NULL, NULL) == HEFT_OK)
			unlink(target);
		heft_close(file);
	}
	fuzz_file_close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	walk_bytes(bytes, n, NULL, 0);
	convert(bytes, n);
	return 0;
}
