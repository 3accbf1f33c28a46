/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - buffered text for standard output, standard error, a file, or memory, with an error
 * that stays: whoever prints does not check every call, whoever ends the work checks once.
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output {
	int fd;    /* -1: the text stays in `buf` */
	int error; /* errno of the first failure, after which nothing is written any more */
	size_t n;
	size_t size;
	char *buf;
};

void output_init(struct output *out, int fd);
void output_done(struct output *out);

/* Writes what is buffered. Returns the error that stays, 0 if there is none. */
int output_flush(struct output *out);

void output_bytes(struct output *out, const void *bytes, size_t n);
void output_text(struct output *out, const char *text);
void output_char(struct output *out, char c);
void output_repeat(struct output *out, char c, size_t n);
void output_format(struct output *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* 12345678 as "12,345,678". */
void output_grouped(struct output *out, uint64_t value);
void output_hex(struct output *out, const uint8_t *bytes, size_t n);

/*
 * Ends a text in memory with NUL and gives it, borrowed; the next one may follow after
 * output_clear.
 */
const char *output_string(struct output *out);
void output_clear(struct output *out);

#endif
