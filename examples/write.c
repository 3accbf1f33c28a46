/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - writes a new file of two tensors and prints its weights digest. */
#include <heft/write.h>
#include <stdio.h>

static const float weight[2][3] = { { 1.0f, 0.5f, 0.25f }, { -1.0f, -0.5f, -0.25f } };
static const float bias[2] = { 0.0f, 1.0f };

static enum heft_status fill(struct heft_writer *w, struct heft_error *err)
{
	const struct heft_tensor tensors[] = {
		{ .name = "linear.weight", .dtype = HEFT_DTYPE_F32, .rank = 2, .dims = { 2, 3 } },
		{ .name = "linear.bias", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 2 } },
	};
	enum heft_status st = heft_declare(w, &tensors[0], err);

	if (st == HEFT_OK)
		st = heft_declare(w, &tensors[1], err);
	if (st == HEFT_OK)
		st = heft_set_metadata(w, "{\"made_by\":\"examples/write.c\"}", err);
	/* Logical bytes are little-endian; so are the machines that this program is for. */
	if (st == HEFT_OK)
		st = heft_put(w, 0, weight, sizeof weight, err);
	if (st == HEFT_OK)
		st = heft_put(w, 1, bias, sizeof bias, err);
	return st;
}

int main(int argc, char **argv)
{
	uint8_t digest[32];
	struct heft_error err;
	struct heft_writer *w;
	enum heft_status st;

	if (argc != 3) {
		fprintf(stderr, "usage: write FILE heft|safetensors\n");
		return 2;
	}
	st = heft_create(argv[1], argv[2], NULL, &w, &err);
	if (st == HEFT_OK) {
		st = fill(w, &err);
		if (st == HEFT_OK)
			st = heft_commit(w, digest, &err);
		else
			heft_discard(w);
	}
	if (st != HEFT_OK) {
		fprintf(stderr, "%s: %s\n", argv[1], err.msg);
		return 1;
	}
	for (size_t i = 0; i < sizeof digest; i++)
		printf("%02x", digest[i]);
	putchar('\n');
	return 0;
}
