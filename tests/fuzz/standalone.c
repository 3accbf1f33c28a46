/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standalone.c - replays files through a fuzz target without libFuzzer: every file of the folders
 * and files that are named, as it is, cut short, and with bytes changed. What is changed depends on
 * the file alone, so a failure comes back.
 *
 *	fuzz_safetensors [-n CHANGES] PATH...
 */
#include "fuzz.h"

#include <ftw.h>
#include <stdbool.h>
#include <string.h>

#define DEFAULT_CHANGES 48
#define MAX_FILE_SIZE (4u << 20)
#define MAX_CHANGED_SIZE (256u << 10) /* larger files are replayed as they are */

static size_t n_changes = DEFAULT_CHANGES;
static size_t n_files;

/* xorshift64*: any generator does, as long as it is the same everywhere. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* The target gets a block of exactly n bytes, so that a sanitizer sees a read past its end. */
static void replay(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	if (!copy)
		abort();
	if (n > 0)
		memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void replay_cut(const uint8_t *bytes, size_t n, uint64_t *state)
{
	for (size_t i = 0; i < n_changes; i++)
		replay(bytes, (size_t)(next_random(state) % n));
}

/* Half of the changes go to the first kilobytes, where formats keep their structure. */
static void replay_changed(uint8_t *bytes, size_t n, uint64_t *state)
{
	static const uint8_t telling[] = { 0x00, 0x01, 0x7F, 0x80, 0xFF, '0', '"', '{' };

	for (size_t i = 0; i < n_changes; i++) {
		const size_t head = n > 4096 && i % 2 == 0 ? 4096 : n;
		const size_t at = (size_t)(next_random(state) % head);
		const uint64_t how = next_random(state);
		const uint8_t old = bytes[at];

		if (how % 2 == 0)
			bytes[at] = (uint8_t)(old ^ 1u << (how >> 8) % 8);
		else
			bytes[at] = telling[(how >> 8) % sizeof telling];
		replay(bytes, n);
		bytes[at] = old;
	}
}

static bool read_file(const char *path, uint8_t **bytes, size_t *n)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		return false;
	*bytes = malloc(MAX_FILE_SIZE);
	if (!*bytes)
		abort();
	*n = fread(*bytes, 1, MAX_FILE_SIZE, f);
	fclose(f);
	return true;
}

static int replay_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	uint64_t state = UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)st->st_size;
	uint8_t *bytes;
	size_t n;

	(void)ftw;
	if (kind != FTW_F || !read_file(path, &bytes, &n))
		return 0;
	/* Known when a sanitizer stops the process here. */
	fprintf(stderr, "%s\n", path);
	replay(bytes, n);
	if (n > 0 && n <= MAX_CHANGED_SIZE) {
		replay_cut(bytes, n, &state);
		replay_changed(bytes, n, &state);
	}
	free(bytes);
	n_files++;
	return 0;
}

int main(int argc, char **argv)
{
	int first = 1;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		n_changes = (size_t)strtoul(argv[2], NULL, 10);
		first = 3;
	}
	replay((const uint8_t *)"", 0);
	for (int i = first; i < argc; i++)
		nftw(argv[i], replay_file, 16, FTW_PHYS);
	printf("%zu files, each %zu times cut and %zu times changed\n", n_files, n_changes,
	       n_changes);
	return 0;
}
