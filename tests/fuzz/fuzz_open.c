/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_open.c - bytes as whatever format recognises them, and a conversion of what opens, which
 * depends on how many they are. */
#include "heft/convert.h"
#include "walk.h"

static void convert(const uint8_t *bytes, size_t n)
{
	const struct heft_open_options options = {
		.limits = { .max_tensors = 4096, .max_logical_bytes = 4 * WALK_BYTES },
	};
	static const char *const formats[] = { "safetensors", "heft", "onnx", "pytorch" };
	struct heft_convert_plan plan = {
		.format = formats[n / 2 % 4],
		.float_dtype = n / 2 % 4 == 0 ? HEFT_DTYPE_F16 : HEFT_DTYPE_NONE,
		.write = { .overwrite = true, .no_sync = true },
		.run = { .n_threads = 1 },
	};
	const int fd = fuzz_file_open(bytes, n);
	struct heft_file *file;
	char path[64];
	char target[64];

	fuzz_file_path(fd, path, sizeof path);
	snprintf(target, sizeof target, "/tmp/heft-fuzz-%ld.out", (long)getpid());
	if (heft_open(path, &options, &file, NULL) == HEFT_OK) {
		if (n % 2 == 0) { /* into itself: every name is found, and little else is new */
			plan.into = file;
			plan.allow_transpose = true;
		}
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
