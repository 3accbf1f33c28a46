/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_shards.c - bytes as the index of a set, in a folder that has two shards. What stands behind
 * a NUL, which no index holds, is a third one. */
#include <string.h>

#include "fuzz.h"
#include "walk.h"

#define ENTRY(begin, end) "{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" #begin "," #end "]}"

static char folder[] = "/tmp/heft-fuzz-XXXXXX";

static void put(const char *name, const void *bytes, size_t n)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	unlink(path); /* some file systems write a file that was emptied and closed at once */
	f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
		abort();
}

static void put_shard(const char *name, const char *header, size_t n_data)
{
	uint8_t bytes[256] = { 0 };
	const size_t n = strlen(header);

	bytes[0] = (uint8_t)n;
	memcpy(bytes + 8, header, n);
	put(name, bytes, 8 + n + n_data);
}

static void remove_folder(void)
{
	static const char *const names[] = { "a", "b", "c", "i.safetensors.index.json" };
	char path[64];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void make_folder(void)
{
	if (!mkdtemp(folder) || atexit(remove_folder) != 0)
		abort();
	put_shard("a", "{\"x\":" ENTRY(0, 4) ",\"y\":" ENTRY(4, 8) "}", 8);
	put_shard("b", "{\"__metadata__\":{\"k\":\"v\"},\"z\":" ENTRY(0, 4) "}", 4);
}

/* As a set, whether or not it looks like one. */
static void walk_set(uint32_t flags)
{
	const struct heft_open_options options = {
		.flags = flags,
		.format = "safetensors-shards",
		.limits = { .max_tensors = 4096, .max_logical_bytes = 32 * WALK_BYTES },
	};
	struct heft_error err = { .code = HEFT_OK };
	struct heft_file *file;

	if (heft_open(folder, &options, &file, &err) == HEFT_OK) {
		walk_file(file);
		heft_close(file);
	} else if (err.code == HEFT_OK || err.msg[0] == '\0') {
		abort(); /* a failure that says nothing */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static bool is_made;
	const uint8_t *nul = n > 0 ? memchr(bytes, 0, n) : NULL;
	const size_t n_index = nul ? (size_t)(nul - bytes) : n;

	if (!is_made)
		make_folder();
	is_made = true;
	put("c", nul ? nul + 1 : bytes, nul ? n - n_index - 1 : 0);
	put("i.safetensors.index.json", bytes, n_index);
	walk_set(0);
	walk_set(HEFT_OPEN_PREAD);
	return 0;
}
