/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - prints the name, dtype and shape of every tensor of a file, whatever its format. */
#include <heft/file.h>
#include <inttypes.h>
#include <stdio.h>

static void print_tensor(const struct heft_tensor *t)
{
	printf("%-40s %-8s", t->name, heft_dtype_name(t->dtype));
	for (uint32_t i = 0; i < t->rank; i++)
		printf(" %" PRIu64, t->dims[i]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct heft_error err;
	struct heft_tensor tensor;
	struct heft_file *file;

	if (argc != 2) {
		fprintf(stderr, "usage: list FILE\n");
		return 2;
	}
	if (heft_open(argv[1], NULL, &file, &err) != HEFT_OK) {
		fprintf(stderr, "%s: %s\n", argv[1], err.msg);
		return 1;
	}
	for (uint32_t i = 0; i < heft_n_tensors(file); i++)
		if (heft_tensor_at(file, i, &tensor, &err) == HEFT_OK)
			print_tensor(&tensor);
	heft_close(file);
	return 0;
}
