/* SPDX-License-Identifier: Apache-2.0 */
/*
 * robust.h - what the tests of this folder share: how many rounds, processes that are killed, and a
 * small heft file whose metadata counts.
 */
#ifndef HEFT_ROBUST_H
#define HEFT_ROBUST_H

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "container/layout.h"
#include "heft/edit.h"
#include "make_heft.h"
#include "scratch.h"
#include "unit.h"

/* HEFT_LONG=1 asks for the long run. */
static inline unsigned rounds(unsigned ordinary, unsigned in_long)
{
	const char *asked = getenv("HEFT_LONG");

	return asked && *asked && *asked != '0' ? in_long : ordinary;
}

/* The same numbers in every run: what differs is the machine. */
static inline uint32_t random_below(uint32_t n)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(state >> 33) % n;
}

static inline void pause_us(uint32_t us)
{
	const struct timespec t = { us / 1000000, (long)(us % 1000000) * 1000 };

	nanosleep(&t, NULL);
}

/* A process of its own; it must end by _exit. */
static inline pid_t start(void)
{
	const pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	return pid;
}

static inline int wait_for(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define SMALL_N 3
static const struct make_tensor small_tensors[SMALL_N] = {
	{ .name = "w", .dtype = HEFT_DTYPE_F32, .rank = 2, .dims = { 40, 30 }, .seed = 1 },
	{ .name = "b", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 30 }, .seed = 2 },
	{ .name = "tied",
	  .dtype = HEFT_DTYPE_F32,
	  .rank = 1,
	  .dims = { 30 },
	  .is_tied = true,
	  .of = 1 },
};

/* A small file whose member "n" is the number. */
static inline enum heft_status make_counted(const char *path, uint64_t n, bool no_sync)
{
	char metadata[40];
	const struct make_heft m = { .tensors = small_tensors,
		                     .n = SMALL_N,
		                     .options.no_sync = no_sync,
		                     .metadata = metadata };

	snprintf(metadata, sizeof metadata, "{\"n\":%" PRIu64 "}", n);
	return make_heft_try(&m, path, NULL);
}

/* Safe in a child of fork: no assertion. */
static inline enum heft_status set_member(const char *path, const char *key, uint64_t n,
                                          uint32_t lock_ms, bool no_sync)
{
	const struct heft_edit_options options = { .lock_ms = lock_ms, .no_sync = no_sync };
	struct heft_edit *edit;
	char value[24];
	enum heft_status st = heft_edit_open(path, &options, &edit, NULL);

	if (st != HEFT_OK)
		return st;
	snprintf(value, sizeof value, "%" PRIu64, n);
	st = heft_edit_set_metadata(edit, key, value, NULL);
	if (st == HEFT_OK)
		return heft_edit_commit(edit, NULL);
	heft_edit_discard(edit);
	return st;
}

/* The number of a member; 0 when there is none. */
static inline uint64_t member_of(struct made *f, const char *key)
{
	struct heft_section s;
	uint64_t n = 0;
	uint8_t *text;
	char *quoted;
	char *at;

	if (!heft_index_find_section(f->ix, HEFT_SECTION_META, &s))
		return 0;
	ck_assert_int_eq(heft_index_read_section(f->ix, &s, 1 << 20, &text, NULL), HEFT_OK);
	ck_assert_int_gt(asprintf(&quoted, "\"%s\":", key), 0);
	at = strstr((const char *)text, quoted);
	if (at)
		n = strtoull(at + strlen(quoted), NULL, 10);
	free(quoted);
	free(text);
	return n;
}

static inline uint64_t member(const char *path, const char *key)
{
	struct made f;
	uint64_t n;

	made_open(&f, path);
	n = member_of(&f, key);
	made_close(&f);
	return n;
}

/* The file opens, and every tensor is as it was made. */
static inline void check_tensors(const char *path)
{
	struct made f;

	made_open(&f, path);
	made_check(&f, small_tensors, SMALL_N);
	made_close(&f);
}

#endif
