/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_recipe.c - bytes as a recipe's JSON, and as the text of each option: what is taken prints as
 * a text that reads back and prints the same. */
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "fuzz.h"
#include "train/recipe.h"

static struct heft_recipe *new_recipe(void)
{
	struct heft_recipe *r;

	if (heft_recipe_new(&r, NULL) != HEFT_OK)
		abort();
	return r;
}

static void check_printed(const struct heft_recipe *r)
{
	struct heft_recipe *again = new_recipe();
	struct heft_buffer first;
	struct heft_buffer second;

	heft_buffer_init(&first);
	heft_buffer_init(&second);
	heft_recipe_add_text(r, 0, &first);
	if (heft_recipe_parse(again, (const char *)first.bytes, first.size, NULL) != HEFT_OK)
		abort();
	heft_recipe_add_text(again, 0, &second);
	if (first.size != second.size || memcmp(first.bytes, second.bytes, first.size) != 0)
		abort();
	if (heft_recipe_check(r, NULL) == HEFT_OK && heft_recipe_resolve(again, NULL) != HEFT_OK)
		abort();
	heft_buffer_done(&first);
	heft_buffer_done(&second);
	heft_recipe_free(again);
}

/* A recipe with the bytes written over a part of it, so that most of it is one. */
static void parse_overwritten(struct heft_recipe *r, const uint8_t *bytes, size_t n)
{
	char text[] =
		"{\"loss\":\"huber\",\"class_weights\":[1,0.5],\"ignore_index\":-1,\"lr\":0.1,"
		"\"optimizer\":\"sgd\",\"nesterov\":true,\"momentum\":0.9,\"seed\":7,"
		"\"freeze\":[\"a*\",\"b\"],\"groups\":[{\"pattern\":\"x\",\"lr\":1}],"
		"\"normalize\":{\"mean\":[1],\"std\":[2],\"scale\":255},"
		"\"checkpoint_every\":{\"steps\":100},\"monitor\":\"val_f1\"}";
	const size_t size = sizeof text - 1;
	const size_t at = n > 0 ? bytes[0] * size / 256 : 0;

	for (size_t i = 1; i < n && at + i - 1 < size; i++)
		text[at + i - 1] = (char)bytes[i];
	heft_recipe_parse(r, text, size, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct heft_error err = { .code = HEFT_OK };
	struct heft_recipe *r = new_recipe();
	char *text = heft_strndup((const char *)bytes, n < 4096 ? n : 4096);

	if (!text)
		abort();
	if (heft_recipe_parse(r, (const char *)bytes, n, &err) != HEFT_OK &&
	    err.offset != HEFT_NO_OFFSET && err.offset > n)
		abort();
	check_printed(r);
	for (uint32_t i = 0; i < heft_recipe_n_keys(); i++) {
		struct heft_recipe_key key;

		heft_recipe_key_at(i, &key, NULL);
		heft_recipe_set(r, key.name, text, NULL);
	}
	heft_recipe_set(r, text, "1", NULL);
	check_printed(r);
	parse_overwritten(r, bytes, n < 20 ? n : 20);
	check_printed(r);
	heft_free(text);
	heft_recipe_free(r);
	return 0;
}
