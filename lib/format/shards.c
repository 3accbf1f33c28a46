/* SPDX-License-Identifier: Apache-2.0 */
/* shards.c - sharded safetensors (spec/foreign/shards.md): an index that names the files of a set,
 * as large models come; its vtable. */
#include "format/shards.h"

#include <string.h>

#define HEAD_SIZE 64u

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(const uint8_t *head, size_t n, size_t at)
{
	while (at < n && is_space(head[at]))
		at++;
	return at;
}

/* An object whose first key is one of the index's two. */
static unsigned probe(const uint8_t *head, size_t n, uint64_t file_size)
{
	static const char *const keys[] = { "\"weight_map\"", "\"metadata\"" };
	static const unsigned bits[] = { 80, 40 };
	size_t at = skip_space(head, n, 0);

	(void)file_size;
	if (at == n || head[at] != '{')
		return 0;
	at = skip_space(head, n, at + 1);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const size_t size = strlen(keys[i]);

		if (n - at >= size && memcmp(head + at, keys[i], size) == 0)
			return bits[i];
	}
	return 0;
}

const struct heft_format heft_format_shards = {
	.name = HEFT_SHARDS_FORMAT,
	.ext = ".safetensors.index.json",
	.caps = HEFT_FORMAT_READ,
	.head_size = HEAD_SIZE,
	.probe = probe,
	.open = heft_shards_open,
	.close = heft_shards_close,
	.n_tensors = heft_shards_n_tensors,
	.tensor_at = heft_shards_tensor_at,
	.find = heft_shards_find,
	.read = heft_shards_read,
	.locate = heft_shards_locate,
	.metadata = heft_shards_metadata,
	.origin = heft_shards_origin,
	.file_at = heft_shards_file_at,
	.set = &heft_shards_set,
};
