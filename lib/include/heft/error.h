/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/error.h - how a heft function says what went wrong.
 *
 * A function that can fail returns an enum heft_status and takes, last, a struct heft_error that
 * the caller owns (or NULL). The struct is written only on failure: a code to act on, the offset in
 * the file where that is known, and one line for a person, without the file's name.
 *
 *	struct heft_error err;
 *	struct heft_file *file;
 *
 *	if (heft_open("model.safetensors", NULL, &file, &err) != HEFT_OK) {
 *		fprintf(stderr, "model.safetensors: %s\n", err.msg);
 *		return 1;
 *	}
 */
#ifndef HEFT_ERROR_H
#define HEFT_ERROR_H

#include "heft/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The codes and their numbers never change; new ones are only added. */
enum heft_status {
	HEFT_OK = 0,
	HEFT_E_NOMEM = -1,       /* no memory */
	HEFT_E_IO = -2,          /* the operating system refused to read or write */
	HEFT_E_USAGE = -3,       /* the call makes no sense, or the target cannot hold it */
	HEFT_E_NOT_FOUND = -4,   /* no such file or tensor */
	HEFT_E_NOT_FORMAT = -5,  /* no format recognises the file */
	HEFT_E_CORRUPT = -6,     /* the file breaks a rule of its format, or its digest */
	HEFT_E_UNSUPPORTED = -7, /* the file is right, but needs what this version does not do */
	HEFT_E_LIMIT = -8,       /* the file is larger than a limit allows */
	HEFT_E_BUSY = -9,        /* somebody else holds the file's lock */
	HEFT_E_CANCELLED = -10   /* the progress callback asked to stop */
};

#define HEFT_NO_OFFSET UINT64_MAX

struct heft_error {
	enum heft_status code;
	uint64_t offset; /* in the file, or HEFT_NO_OFFSET */
	char msg[240];   /* one line, no newline, no file name */
};

/**
 * Name a status, as in "corrupt".
 *
 * Owns:    nothing; the text is static.
 * Units:   none.
 * Errors:  none; an unknown code gives "unknown".
 * Threads: any.
 */
HEFT_API const char *heft_status_name(enum heft_status status);

#ifdef __cplusplus
}
#endif
#endif
