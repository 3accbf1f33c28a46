/* SPDX-License-Identifier: Apache-2.0 */
/* base/scratch.h - bytes that are too many for memory, in an unnamed temporary file. Any thread. */
#ifndef BASE_SCRATCH_H
#define BASE_SCRATCH_H

#include "heft/error.h"

struct heft_scratch;

/* folder NULL: the system's folder for temporary files. Makes no file yet. */
enum heft_status heft_scratch_new(const char *folder, struct heft_scratch **out,
                                  struct heft_error *err);
void heft_scratch_free(struct heft_scratch *s); /* takes NULL */
/* Adds a region of n bytes, really allocated on disk; *off is where it begins. */
enum heft_status heft_scratch_add(struct heft_scratch *s, uint64_t n, uint64_t *off,
                                  struct heft_error *err);
/* Gives a region's bytes on disk back, as far as the file system can. */
void heft_scratch_drop(struct heft_scratch *s, uint64_t off, uint64_t n);
enum heft_status heft_scratch_read(struct heft_scratch *s, uint64_t off, void *dst, size_t n,
                                   struct heft_error *err);
enum heft_status heft_scratch_write(struct heft_scratch *s, uint64_t off, const void *bytes,
                                    size_t n, struct heft_error *err);
/* Maps a region for reading and writing; nobody else can cut it short. */
enum heft_status heft_scratch_map(struct heft_scratch *s, uint64_t off, uint64_t n, uint8_t **bytes,
                                  struct heft_error *err);
void heft_scratch_unmap(uint8_t *bytes, uint64_t n);

#endif
