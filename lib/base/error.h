/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.h - filling struct heft_error, in one statement. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "heft/error.h"

/* Fills err (which may be NULL) and returns code. The message is cut to fit; control characters
 * that came from a file are replaced by '?' so that it stays one harmless line. */
enum heft_status heft_fail(struct heft_error *err, enum heft_status code, uint64_t off,
                           const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The same with errno's text behind the message, as in "cannot read: No space left on device".
 * ENOENT gives HEFT_E_NOT_FOUND, ENOMEM HEFT_E_NOMEM, everything else HEFT_E_IO. */
enum heft_status heft_fail_errno(struct heft_error *err, int errnum, uint64_t off, const char *fmt,
                                 ...) __attribute__((format(printf, 4, 5)));

/* Passes a failure on, where nothing is held. */
#define HEFT_TRY(call)                                  \
	do {                                            \
		const enum heft_status try_st = (call); \
		if (try_st != HEFT_OK)                  \
			return try_st;                  \
	} while (0)

#endif
