/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - checks everything that a file states about itself and, given a digest, that its
 * weights are the ones that were meant. Says what is wrong, a fault a line.
 */
#include <heft/digest.h>
#include <stdio.h>
#include <string.h>

static void print_fault(void *user, const struct heft_fault *fault)
{
	const char *path = user;

	printf("%s: %s\n", path, fault->msg);
}

/* Whether the weights digest, in hexadecimal, is this one. */
static bool is_digest(const uint8_t *digest, const char *want)
{
	char hex[2 * HEFT_DIGEST_SIZE + 1];

	for (size_t i = 0; i < HEFT_DIGEST_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return strcmp(hex, want) == 0;
}

static int verify(struct heft_file *file, char *path, const char *want, struct heft_error *err)
{
	struct heft_verify_report report;

	/* A file with faults is no error of heft_verify: that is its answer. */
	if (heft_verify(file, NULL, print_fault, path, &report, err) != HEFT_OK) {
		fprintf(stderr, "%s: %s\n", path, err->msg);
		return 2;
	}
	if (report.ok && want && !is_digest(report.weights_digest, want)) {
		printf("%s: these are other weights\n", path);
		return 1;
	}
	if (report.ok)
		printf("%s: ok\n", path);
	return report.ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct heft_error err;
	struct heft_file *file;
	int status;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: verify FILE [DIGEST]\n");
		return 2;
	}
	if (heft_open(argv[1], NULL, &file, &err) != HEFT_OK) {
		fprintf(stderr, "%s: %s\n", argv[1], err.msg);
		return 2;
	}
	status = verify(file, argv[1], argc == 3 ? argv[2] : NULL, &err);
	heft_close(file);
	return status;
}
