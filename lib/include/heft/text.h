/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/text.h - a heft file as text, and back: to review a file, and to write test files by hand.
 *
 * The text form is in spec/text.md. heft_pack(heft_dump(file)) is the compact file, byte for byte;
 * a hand-written text may state any field, right or wrong, and heft_pack computes what is left out.
 */
#ifndef HEFT_TEXT_H
#define HEFT_TEXT_H

#include "heft/file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Takes the next `n` bytes of the text; returns false to stop (HEFT_E_IO). */
typedef bool (*heft_text_fn)(void *user, const char *text, size_t n);

/**
 * Write a heft file as text.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  HEFT_E_UNSUPPORTED for another format, HEFT_E_IO, and those of heft_open and heft_read.
 * Threads: any.
 */
HEFT_API enum heft_status heft_dump(const char *path, heft_text_fn fn, void *user,
                                    struct heft_error *err);

/**
 * Write the heft file that a text describes.
 *
 * Owns:    nothing.
 * Units:   `text_size` in bytes. `overwrite` allows to replace an existing file.
 * Errors:  HEFT_E_CORRUPT (the text breaks its grammar: err->offset is the line, counted from 1),
 *          HEFT_E_USAGE, HEFT_E_IO, HEFT_E_NOMEM.
 * Threads: any.
 */
HEFT_API enum heft_status heft_pack(const char *text, size_t text_size, const char *path,
                                    bool overwrite, struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
