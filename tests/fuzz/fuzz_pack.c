/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pack.c - bytes as the text form of a heft file. What packs is opened; what opens is dumped,
 * and the dump packs again. */
#include "container/pack.h"
#include "walk.h"

#define MAX_FILE_SIZE (4u << 20)

static bool keep_text(void *user, const char *text, size_t n)
{
	struct heft_buffer *dump = user;

	heft_buffer_add(dump, text, n);
	return dump->ok && dump->size < 4 * MAX_FILE_SIZE;
}

static void dump_again(const char *path)
{
	struct heft_buffer dump;
	struct heft_buffer file;

	heft_buffer_init(&dump);
	heft_buffer_init(&file);
	if (heft_dump(path, keep_text, &dump, NULL) == HEFT_OK &&
	    heft_pack_bytes((const char *)dump.bytes, dump.size, UINT64_MAX, &file, NULL) !=
	            HEFT_OK)
		abort();
	heft_buffer_done(&dump);
	heft_buffer_done(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct heft_open_options options = {
		.limits = { .max_tensors = 4096, .max_logical_bytes = 32 * WALK_BYTES },
	};
	struct heft_file *opened;
	struct heft_buffer file;
	char path[64];
	int fd;

	heft_buffer_init(&file);
	if (heft_pack_bytes((const char *)bytes, n, MAX_FILE_SIZE, &file, NULL) == HEFT_OK) {
		fd = fuzz_file_open(file.bytes, file.size);
		fuzz_file_path(fd, path, sizeof path);
		if (heft_open(path, &options, &opened, NULL) == HEFT_OK) {
			walk_file(opened);
			heft_close(opened);
			dump_again(path);
		}
		fuzz_file_close(fd);
	}
	heft_buffer_done(&file);
	return 0;
}
