/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/version.h - the versions of the library and of what it writes.
 */
#ifndef HEFT_VERSION_H
#define HEFT_VERSION_H

#include "heft/api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEFT_CONTAINER_MAJOR 1 /* spec/container.md */
#define HEFT_CONTAINER_MINOR 0
#define HEFT_DIGEST_VERSION 1 /* spec/digest.md */

/**
 * Tell the library's version, as in "0.1.0".
 *
 * Owns:    nothing; the text is static.
 * Units:   none.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API const char *heft_version(void);

/**
 * Tell the revision of the source that the library was built from, as git names it.
 *
 * Owns:    nothing; the text is static.
 * Units:   none.
 * Errors:  none; "" where that was not known.
 * Threads: any.
 */
HEFT_API const char *heft_revision(void);

#ifdef __cplusplus
}
#endif
#endif
