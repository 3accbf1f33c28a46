/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress_bar.c - the bar that long work shows on a terminal, and the way Ctrl-C stops that work.
 * Work that ends within half a second shows none: a bar that flashes is noise.
 */
#include "progress_bar.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "output.h"
#include "print_name.h"
#include "size.h"
#include "term.h"
#include "utf8_text.h"

#define NANOSECONDS 1000000000
#define FIRST_AFTER (NANOSECONDS / 2)
#define EVERY (NANOSECONDS / 10)
#define NEVER UINT64_MAX
#define FILE_WIDTH 24
#define MIN_BAR 10
#define MAX_BAR 40
/* Free at the line's end: for the "^C" that a terminal echoes, and since some wrap too early. */
#define RIGHT_MARGIN 3

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NANOSECONDS + (uint64_t)t.tv_nsec;
}

static void print_percent(struct output *out, uint64_t n_done, uint64_t n_total)
{
	const double part = n_total > 0 ? (double)n_done / (double)n_total : 0;

	output_format(out, " %3u %%", (unsigned)(part * 100));
}

/* "  45 %  512 MB/s  0:07 left" */
static void print_figures(struct output *out, double seconds, uint64_t n_done, uint64_t n_total)
{
	const double rate = (double)n_done / seconds;

	print_percent(out, n_done, n_total);
	output_text(out, "  ");
	size_print(out, (uint64_t)rate);
	output_text(out, "/s");
	if (n_done > 0 && n_total >= n_done && (double)(n_total - n_done) / rate < 360000) {
		output_text(out, "  ");
		size_print_seconds(out, (uint64_t)((double)(n_total - n_done) / rate + 0.5));
		output_text(out, " left");
	}
}

static void print_bar(struct output *out, size_t width, uint64_t n_done, uint64_t n_total)
{
	const size_t inner = width - 2;
	const double part = n_total > 0 ? (double)n_done / (double)n_total : 0;
	const size_t n_full = part >= 1 ? inner : (size_t)(part * (double)inner);

	output_char(out, '[');
	output_repeat(out, '#', n_full);
	output_repeat(out, '-', inner - n_full);
	output_char(out, ']');
}

static void draw(const struct progress_bar *bar, uint64_t n_done, uint64_t n_total)
{
	const size_t columns = term_columns(STDERR_FILENO);
	struct output text;
	struct output line;

	output_init(&line, STDERR_FILENO);
	output_init(&text, -1);
	output_text(&line, "\r");
	print_words(&text, bar->file);
	output_text(&line, bar->verb);
	output_char(&line, ' ');
	utf8_cut_middle(&line, output_string(&text), FILE_WIDTH);
	output_char(&line, ' ');
	output_clear(&text);
	print_figures(&text, (double)(now() - bar->start) / NANOSECONDS, n_done, n_total);

	const size_t taken = utf8_width(line.buf + 1, line.n - 1) + text.n + RIGHT_MARGIN;

	if (columns >= taken + MIN_BAR) {
		const size_t width = columns - taken;

		print_bar(&line, width < MAX_BAR ? width : MAX_BAR, n_done, n_total);
	}
	if (columns >= taken)
		output_bytes(&line, text.buf, text.n);
	else
		print_percent(&line, n_done, n_total);
	output_text(&line, "\033[K");
	output_flush(&line);
	output_done(&text);
	output_done(&line);
}

static bool step(void *user, uint64_t n_done, uint64_t n_total)
{
	struct progress_bar *bar = user;
	const uint64_t t = bar->next == NEVER ? 0 : now();

	if (interrupt_pending())
		return true;
	if (t >= bar->next && bar->next != NEVER && term_is_in_foreground()) {
		draw(bar, n_done, n_total);
		bar->drawn = t;
		bar->next = t + EVERY;
	}
	return false;
}

struct heft_run progress_bar_start(struct progress_bar *bar, const char *verb, const char *file,
                                   uint32_t n_threads)
{
	const uint64_t t = now();

	*bar = (struct progress_bar){ .verb = verb, .file = file, .start = t };
	bar->next = term_can_redraw(STDERR_FILENO) ? t + FIRST_AFTER : NEVER;
	interrupt_watch();
	return (struct heft_run){ .n_threads = n_threads, .progress = step, .user = bar };
}

void progress_bar_done(struct progress_bar *bar)
{
	struct output line;

	if (bar->drawn == 0)
		return;
	output_init(&line, STDERR_FILENO);
	output_text(&line, "\r\033[K");
	output_flush(&line);
	output_done(&line);
	bar->drawn = 0;
}
