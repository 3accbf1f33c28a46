/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c - converts a file to another format, its floating tensors to BF16, telling how far it
 * is. */
#include <heft/convert.h>
#include <inttypes.h>
#include <stdio.h>

static bool show_progress(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)user;
	fprintf(stderr, "%3" PRIu64 " %%\r", n_total > 0 ? n_done * 100 / n_total : 100);
	return false; /* true would stop the work and leave nothing behind */
}

int main(int argc, char **argv)
{
	const struct heft_convert_plan plan = {
		.float_dtype = HEFT_DTYPE_BF16,
		.write = { .overwrite = true },
		.run = { .progress = show_progress },
	};
	struct heft_convert_report report;
	struct heft_error err;
	struct heft_file *file;
	enum heft_status st;

	if (argc != 3) {
		fprintf(stderr, "usage: convert IN OUT\n");
		return 2;
	}
	st = heft_open(argv[1], NULL, &file, &err);
	if (st == HEFT_OK) {
		st = heft_convert(file, argv[2], &plan, &report, &err);
		heft_close(file);
	}
	if (st != HEFT_OK) {
		fprintf(stderr, "%s: %s\n", argv[1], err.msg);
		return 1;
	}
	printf("%" PRIu64 " tensors, %" PRIu64 " of them converted\n", report.n_tensors,
	       report.n_cast);
	return 0;
}
