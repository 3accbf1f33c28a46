/* SPDX-License-Identifier: Apache-2.0 */
/* format/zip_extra.h - the extra field of a zip header: fields of an id, a size and as many bytes,
 * one behind the other. */
#ifndef FORMAT_ZIP_EXTRA_H
#define FORMAT_ZIP_EXTRA_H

#include "base/cursor.h"

/* False: a field reaches past the extra field, or the one with this id stands twice. No such field
 * leaves `field` without bytes. Fewer than four bytes at the end are padding. */
bool heft_zip_extra_find(const uint8_t *extra, size_t size, uint64_t file_off, uint16_t id,
                         struct heft_cursor *field);

#endif
