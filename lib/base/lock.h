/* SPDX-License-Identifier: Apache-2.0 */
/* base/lock.h - an exclusive lock on a file that is updated, for this open descriptor and no other
 * (OFD lock, else flock), with a time limit; and the writes of an update. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include "heft/error.h"

/* Opens `path` (following links) for reading and writing, locks it whole, and makes sure that the
 * path still names this file, opening again when somebody renamed another one over it. HEFT_E_BUSY
 * after wait_ms milliseconds. */
enum heft_status heft_lock_open(const char *path, uint32_t wait_ms, int *fd,
                                struct heft_error *err);
/* The same for those who replace the file by renaming and may not be allowed to write to it. An
 * exclusive lock wants a descriptor open for writing, so that is tried first; one that can only be
 * read gets a shared lock, which keeps updaters out, and flock, which keeps its own kind out. */
enum heft_status heft_lock_open_read(const char *path, uint32_t wait_ms, int *fd,
                                     struct heft_error *err);
/* Gives the lock up; the descriptor stays open. A process that was forked meanwhile shares the
 * descriptor, and closing it alone would leave the lock with that process while it lives. */
void heft_lock_release(int fd);
void heft_lock_close(int fd); /* releases and closes; -1 is allowed */

uint64_t heft_fd_n_links(int fd);
enum heft_status heft_fd_size(int fd, uint64_t *size, struct heft_error *err);
enum heft_status heft_fd_pwrite(int fd, uint64_t off, const void *bytes, size_t n,
                                struct heft_error *err);
/* stops at the end */
enum heft_status heft_fd_pread(int fd, uint64_t off, void *dst, size_t n, size_t *n_read,
                               struct heft_error *err);
enum heft_status heft_fd_sync(int fd, struct heft_error *err);
/* A hint: the disk may begin with these bytes, so that a sync that comes later finds less to do. */
void heft_fd_write_back(int fd, uint64_t off, size_t n);
enum heft_status heft_fd_truncate(int fd, uint64_t size, struct heft_error *err);

#endif
