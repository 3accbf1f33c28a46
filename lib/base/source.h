/* SPDX-License-Identifier: Apache-2.0 */
/* base/source.h - a file that is read: by pread, or through a map made on demand. Any number of
 * threads may read. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include "heft/error.h"

struct heft_source;

/* Opens a regular file for reading. Anything else (folder, pipe, device) is HEFT_E_USAGE with a
 * sentence. With `may_map` false heft_source_map always refuses. */
enum heft_status heft_source_open(const char *path, bool may_map, struct heft_source **out,
                                  struct heft_error *err);
/* The same over a descriptor that the caller opened and hands over, even on failure. */
enum heft_status heft_source_open_fd(int fd, bool may_map, struct heft_source **out,
                                     struct heft_error *err);
void heft_source_close(struct heft_source *s);
int heft_source_fd(const struct heft_source *s);
uint64_t heft_source_size(const struct heft_source *s); /* when it was opened */
/* Takes a size that the file has grown to since, unless it is mapped already. Nobody else may use
 * the source meanwhile. */
void heft_source_look_again(struct heft_source *s);
/* Reads exactly n bytes; a file that ends before is HEFT_E_CORRUPT at the offset where it ends;
 * EINTR is retried. */
enum heft_status heft_source_read(struct heft_source *s, uint64_t off, void *dst, size_t n,
                                  struct heft_error *err);
/* The whole file, mapped read-only once; thread-safe. HEFT_E_UNSUPPORTED when maps are not wanted
 * or not possible. */
enum heft_status heft_source_map(struct heft_source *s, const uint8_t **bytes,
                                 struct heft_error *err);
/* Whether `path` is this very file (device and inode). */
bool heft_source_is(const struct heft_source *s, const char *path);
/* Tells the kernel that mapped bytes were read for now: their pages leave the process, not the
 * system's cache, and come back when they are looked at again. The file is mapped. */
void heft_source_drop(const struct heft_source *s, uint64_t off, uint64_t n);
/* Tells the kernel that all of it is about to be read in order. */
void heft_source_will_need(struct heft_source *s, uint64_t off, uint64_t n);

#endif
