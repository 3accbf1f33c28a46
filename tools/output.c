/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.c - buffered text with an error that stays. stdio forgets the errno of a failed write, and
 * "no space left" is exactly what a person needs to read.
 */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BUFFER_SIZE 65536

void output_init(struct output *out, int fd)
{
	*out = (struct output){ .fd = fd };
}

void output_done(struct output *out)
{
	free(out->buf);
	output_init(out, -1);
}

int output_flush(struct output *out)
{
	size_t done = 0;

	if (out->fd < 0)
		return out->error;
	while (!out->error && done < out->n) {
		const ssize_t n = write(out->fd, out->buf + done, out->n - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			out->error = errno;
	}
	out->n = 0;
	return out->error;
}

/* Makes room for `n` more bytes, by writing out what is there or by growing; false: no memory. */
static bool reserve(struct output *out, size_t n)
{
	if (out->size - out->n >= n)
		return true;
	if (out->fd >= 0)
		output_flush(out);
	if (out->error || n > SIZE_MAX / 4 || out->n > SIZE_MAX / 4)
		return false;
	if (out->size - out->n < n) {
		const size_t least = out->fd >= 0 ? FILE_BUFFER_SIZE
		                                  : out->size + out->size / 2 + 256;
		const size_t size = out->n + n > least ? out->n + n : least;
		char *buf = realloc(out->buf, size);

		if (!buf) {
			out->error = ENOMEM;
			return false;
		}
		out->buf = buf;
		out->size = size;
	}
	return true;
}

void output_bytes(struct output *out, const void *bytes, size_t n)
{
	if (n == 0 || out->error || !reserve(out, n))
		return;
	memcpy(out->buf + out->n, bytes, n);
	out->n += n;
}

void output_text(struct output *out, const char *text)
{
	output_bytes(out, text, strlen(text));
}

void output_char(struct output *out, char c)
{
	output_bytes(out, &c, 1);
}

void output_repeat(struct output *out, char c, size_t n)
{
	while (n-- > 0)
		output_char(out, c);
}

void output_format(struct output *out, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof text) {
		output_bytes(out, text, (size_t)n);
		return;
	}
	if (out->error || !reserve(out, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	vsnprintf(out->buf + out->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	out->n += (size_t)n;
}

void output_grouped(struct output *out, uint64_t value)
{
	char digits[24];
	const int n = snprintf(digits, sizeof digits, "%" PRIu64, value);

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			output_char(out, ',');
		output_char(out, digits[i]);
	}
}

void output_hex(struct output *out, const uint8_t *bytes, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		output_char(out, hex[bytes[i] >> 4]);
		output_char(out, hex[bytes[i] & 15]);
	}
}

const char *output_string(struct output *out)
{
	output_char(out, '\0');
	if (out->error)
		return "";
	out->n--;
	return out->buf;
}

void output_clear(struct output *out)
{
	out->n = 0;
}
