/* SPDX-License-Identifier: Apache-2.0 */
/* shards_write.c - the form of a new set of safetensors files: names and index as Hugging Face's
 * libraries write them (spec/foreign/shards.md, section 5). The shards themselves are ordinary
 * safetensors files. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/shards.h"

#define USUAL_SIZE UINT64_C(5000000000)

static void add_shard_name(struct heft_buffer *b, const char *stem, uint32_t i, uint32_t n)
{
	if (n == 1)
		heft_buffer_addf(b, "%s.safetensors", stem);
	else
		heft_buffer_addf(b, "%s-%05u-of-%05u.safetensors", stem, i + 1, n);
}

/* Five digits or more; NULL: fewer. */
static const char *skip_number(const char *at)
{
	const size_t n = strspn(at, "0123456789");

	return n >= 5 ? at + n : NULL;
}

static bool is_shard_name(const char *name, const char *stem)
{
	const size_t n = strlen(stem);
	const char *at = name + n;

	if (strncmp(name, stem, n) != 0)
		return false;
	if (*at == '-') {
		at = skip_number(at + 1);
		if (!at || strncmp(at, "-of-", 4) != 0)
			return false;
		at = skip_number(at + 4);
	}
	return at && strcmp(at, ".safetensors") == 0;
}

/* --- JSON as Python prints it: ASCII alone --- */

/* The code point that begins at text[*at], which moves behind it. The text is well-formed. */
static uint32_t take_code_point(const uint8_t *text, size_t *at)
{
	const uint8_t first = text[(*at)++];
	unsigned n_more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t c = n_more == 0 ? first : first & (0x3fu >> n_more);

	for (; n_more > 0; n_more--)
		c = c << 6 | (text[(*at)++] & 0x3fu);
	return c;
}

static void add_code_point(struct heft_buffer *b, uint32_t c)
{
	static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (size_t i = 0; i + 1 < sizeof short_forms; i += 2)
		if (c == (unsigned char)short_forms[i]) {
			heft_buffer_addf(b, "\\%c", short_forms[i + 1]);
			return;
		}
	if (c >= 0x20 && c < 0x7f)
		heft_buffer_add_u8(b, (uint8_t)c);
	else if (c < 0x10000)
		heft_buffer_addf(b, "\\u%04x", (unsigned)c);
	else
		heft_buffer_addf(b, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
		                 (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
}

static void add_string(struct heft_buffer *b, const char *text)
{
	const size_t n = strlen(text);

	heft_buffer_add_u8(b, '"');
	for (size_t at = 0; at < n;)
		add_code_point(b, take_code_point((const uint8_t *)text, &at));
	heft_buffer_add_u8(b, '"');
}

/* --- the index --- */

static void add_index(struct heft_buffer *b, const struct heft_listing *tensors,
                      const uint32_t *order, const uint32_t *shard_of, const char *const *names)
{
	const uint32_t n = heft_listing_n(tensors);

	heft_buffer_addf(b,
	                 "{\n  \"metadata\": {\n    \"total_size\": %llu\n  },\n"
	                 "  \"weight_map\": {\n",
	                 (unsigned long long)heft_listing_n_bytes(tensors));
	for (uint32_t k = 0; k < n; k++) {
		heft_buffer_addf(b, "    ");
		add_string(b, heft_listing_name(tensors, order[k]));
		heft_buffer_addf(b, ": ");
		add_string(b, names[shard_of[order[k]]]);
		heft_buffer_addf(b, k + 1 < n ? ",\n" : "\n");
	}
	heft_buffer_addf(b, "  }\n}\n");
}

static enum heft_status build_index(struct heft_buffer *b, const struct heft_listing *tensors,
                                    const uint32_t *shard_of, const char *const *names,
                                    struct heft_error *err)
{
	uint32_t *order = heft_alloc_array(heft_listing_n(tensors), sizeof *order);
	enum heft_status st;

	if (!order)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an index");
	st = heft_listing_sort(tensors, order, err);
	if (st == HEFT_OK)
		add_index(b, tensors, order, shard_of, names);
	heft_free(order);
	if (st == HEFT_OK && !b->ok)
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an index");
	return st;
}

const struct heft_set heft_shards_set = {
	.shard_format = "safetensors",
	.usual_size = USUAL_SIZE,
	.add_shard_name = add_shard_name,
	.is_shard_name = is_shard_name,
	.build_index = build_index,
};
