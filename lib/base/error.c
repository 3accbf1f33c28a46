/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.c - fills struct heft_error with one line that is harmless to print. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

const char *heft_status_name(enum heft_status status)
{
	switch (status) {
	case HEFT_OK:
		return "ok";
	case HEFT_E_NOMEM:
		return "no memory";
	case HEFT_E_IO:
		return "i/o";
	case HEFT_E_USAGE:
		return "usage";
	case HEFT_E_NOT_FOUND:
		return "not found";
	case HEFT_E_NOT_FORMAT:
		return "not the format";
	case HEFT_E_CORRUPT:
		return "corrupt";
	case HEFT_E_UNSUPPORTED:
		return "unsupported";
	case HEFT_E_LIMIT:
		return "limit";
	case HEFT_E_BUSY:
		return "busy";
	case HEFT_E_CANCELLED:
		return "cancelled";
	}
	return "unknown";
}

/* A message may quote a name from a stranger's file: no control character of it (C0, DEL, or C1
 * written as C2 80 to C2 9F) and no ill-formed byte, which a terminal could take for one, may reach
 * a terminal. */
static void make_harmless(char *msg)
{
	const size_t n = strlen(msg);

	for (size_t i = heft_utf8_span(msg, n); i < n; i += heft_utf8_span(msg + i, n - i))
		msg[i] = '?';
	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)msg[i];
		const unsigned char next = (unsigned char)msg[i + 1];

		if (c < 0x20 || c == 0x7f) {
			msg[i] = '?';
		} else if (c == 0xc2 && next < 0xa0) {
			msg[i] = '?';
			msg[i + 1] = '?';
		}
	}
}

/* Where a message was cut within a character, drops what is left of it. */
static void drop_cut_character(char *msg, size_t n)
{
	size_t start = n;

	while (start > 0 && n - start < 3 && ((unsigned char)msg[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)msg[start - 1] >= 0xc0)
		start--;
	if (!heft_utf8_ok(msg + start, n - start))
		msg[start] = '\0';
}

/* The message is made aside, since an argument may be the err->msg that is about to be replaced. */
__attribute__((format(printf, 4, 0))) static void fill(struct heft_error *err,
                                                       enum heft_status code, uint64_t off,
                                                       const char *fmt, va_list args,
                                                       const char *tail)
{
	char msg[sizeof err->msg] = "";
	const size_t tail_size = strlen(tail);
	const size_t room = sizeof msg - tail_size;
	const int n = vsnprintf(msg, room, fmt, args);

	if (n >= 0 && (size_t)n >= room)
		drop_cut_character(msg, room - 1);
	memcpy(msg + strlen(msg), tail, tail_size + 1);
	make_harmless(msg);
	err->code = code;
	err->offset = off;
	memcpy(err->msg, msg, sizeof msg);
}

enum heft_status heft_fail(struct heft_error *err, enum heft_status code, uint64_t off,
                           const char *fmt, ...)
{
	va_list args;

	if (err) {
		va_start(args, fmt);
		fill(err, code, off, fmt, args, "");
		va_end(args);
	}
	return code;
}

/* glibc with _GNU_SOURCE has a strerror_r of its own. */
static const char *errno_text(int errnum, char *room, size_t room_size)
{
#ifdef __GLIBC__
	return strerror_r(errnum, room, room_size);
#else
	return strerror_r(errnum, room, room_size) == 0 ? room : "unknown error";
#endif
}

enum heft_status heft_fail_errno(struct heft_error *err, int errnum, uint64_t off, const char *fmt,
                                 ...)
{
	const enum heft_status code = errnum == ENOENT   ? HEFT_E_NOT_FOUND
	                              : errnum == ENOMEM ? HEFT_E_NOMEM
	                                                 : HEFT_E_IO;
	char room[100];
	char tail[sizeof room + 2];
	va_list args;

	if (err) {
		snprintf(tail, sizeof tail, ": %s", errno_text(errnum, room, sizeof room));
		va_start(args, fmt);
		fill(err, code, off, fmt, args, tail);
		va_end(args);
	}
	return code;
}
