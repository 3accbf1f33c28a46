/* SPDX-License-Identifier: Apache-2.0 */
/* container/meta.h - META: checking the text (spec 7.1), and changing one member while the others
 * keep their bytes. */
#ifndef CONTAINER_META_H
#define CONTAINER_META_H

#include "heft/error.h"

/* A fault is `code` (CORRUPT for a file, USAGE for a caller's text). */
enum heft_status heft_meta_check(const char *text, size_t size, enum heft_status code,
                                 uint64_t file_off, struct heft_error *err);
/* The new text (heft_free), with member `key` set to the JSON value; "{}" or NULL as `text` is an
 * empty object. */
enum heft_status heft_meta_set(const char *text, const char *key, const char *json_value,
                               char **out, struct heft_error *err);
/* HEFT_E_NOT_FOUND when there is no such member. */
enum heft_status heft_meta_unset(const char *text, const char *key, char **out,
                                 struct heft_error *err);
/* Whether an object that was checked has no member; NULL has none. */
bool heft_meta_is_empty(const char *text);

#endif
