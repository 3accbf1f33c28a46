/* SPDX-License-Identifier: Apache-2.0 */
/* io_fail.c - stands before pwrite, fsync and ftruncate (linked with -Wl,--wrap) and makes one call
 * fail. */
#include "io_fail.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

ssize_t __real_pwrite(int fd, const void *bytes, size_t n, off_t off);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t n, int64_t off);
int __real_fsync(int fd);
int __real_ftruncate(int fd, off_t size);
int __real_ftruncate64(int fd, int64_t size);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t off);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, int64_t off);
int __wrap_fsync(int fd);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate64(int fd, int64_t size);

static char calls[1 << 16];
static size_t n_calls;
static size_t failing;
static int failing_errno;

void io_fail_at(size_t n, int errnum)
{
	n_calls = 0;
	calls[0] = '\0';
	failing = n;
	failing_errno = errnum;
}

const char *io_fail_log(void)
{
	return calls;
}

static bool must_fail(char call)
{
	if (n_calls + 1 < sizeof calls) {
		calls[n_calls] = call;
		calls[n_calls + 1] = '\0';
	}
	if (++n_calls != failing)
		return false;
	errno = failing_errno;
	return true;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t off)
{
	return must_fail('w') ? -1 : __real_pwrite(fd, bytes, n, off);
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, int64_t off)
{
	return must_fail('w') ? -1 : __real_pwrite64(fd, bytes, n, off);
}

int __wrap_fsync(int fd)
{
	return must_fail('s') ? -1 : __real_fsync(fd);
}

int __wrap_ftruncate(int fd, off_t size)
{
	return must_fail('t') ? -1 : __real_ftruncate(fd, size);
}

int __wrap_ftruncate64(int fd, int64_t size)
{
	return must_fail('t') ? -1 : __real_ftruncate64(fd, size);
}
