/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what a fuzz target defines, and how it gives its bytes a path. */
#ifndef HEFT_FUZZ_H
#define HEFT_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A file in memory that holds the bytes. It lives under fuzz_file_path until fuzz_file_close. */
static inline int fuzz_file_open(const uint8_t *bytes, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	while (n > 0) {
		const ssize_t n_written = write(fd, bytes, n);

		if (n_written <= 0)
			abort();
		bytes += n_written;
		n -= (size_t)n_written;
	}
	return fd;
}

static inline void fuzz_file_path(int fd, char *path, size_t path_size)
{
	snprintf(path, path_size, "/proc/self/fd/%d", fd);
}

static inline void fuzz_file_close(int fd)
{
	close(fd);
}

#endif
