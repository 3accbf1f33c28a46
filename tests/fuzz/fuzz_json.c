/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c - bytes as JSON text, token by token and skipped as a whole. */
#include "base/json_pull.h"
#include "fuzz.h"

static enum heft_status pull(const char *text, size_t n, bool by_skipping)
{
	struct heft_json_token token = { .kind = HEFT_JSON_NULL };
	struct heft_error err = { .code = HEFT_OK };
	struct heft_json *json;
	enum heft_status st;
	uint64_t number;

	st = heft_json_new(text, n, 0, NULL, &json, &err);
	if (st != HEFT_OK)
		return st;
	do {
		st = heft_json_next(json, &token, &err);
		if (st != HEFT_OK)
			break;
		if (token.pos > n || token.raw_size > n - token.pos)
			abort();
		if (token.kind == HEFT_JSON_NUMBER)
			heft_json_u64(&token, &number);
		if (by_skipping && token.kind != HEFT_JSON_KEY && token.kind != HEFT_JSON_END)
			st = heft_json_skip(json, &token, &err);
	} while (st == HEFT_OK && token.kind != HEFT_JSON_END);
	if (st != HEFT_OK && err.offset != HEFT_NO_OFFSET && err.offset > n)
		abort();
	heft_json_free(json);
	return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	/* Skipping checks what reading checks. */
	if (pull((const char *)bytes, n, false) != pull((const char *)bytes, n, true))
		abort();
	return 0;
}
