/* SPDX-License-Identifier: Apache-2.0 */
/* edit_report.c - says what an edit did or would do. */
#include "edit_report.h"

#include <unistd.h>

#include "print_name.h"

static void line_begin(struct output *line, const char *path)
{
	output_init(line, STDERR_FILENO);
	print_words(line, path);
	output_text(line, ": ");
}

static void line_end(struct output *line)
{
	output_char(line, '\n');
	output_flush(line);
	output_done(line);
}

/* "2 tensors renamed", or, behind the first, "2 renamed". */
static void add_count(struct output *line, uint64_t n, const char *what, bool *is_first)
{
	if (n == 0)
		return;
	if (!*is_first)
		output_text(line, ", ");
	output_grouped(line, n);
	if (*is_first)
		output_text(line, n == 1 ? " tensor" : " tensors");
	output_text(line, what);
	*is_first = false;
}

/* True: nothing was there to be said. */
static bool add_counts(struct output *line, const struct heft_edit_report *r)
{
	bool is_first = true;

	add_count(line, r->n_renamed, " renamed", &is_first);
	add_count(line, r->n_deleted, " deleted", &is_first);
	add_count(line, r->n_tied, " tied", &is_first);
	add_count(line, r->n_untied, " untied", &is_first);
	return is_first;
}

void edit_report_done(const char *path, const struct heft_edit_report *r)
{
	struct output line;

	if (r->n_renamed + r->n_deleted + r->n_tied + r->n_untied == 0)
		return;
	line_begin(&line, path);
	add_counts(&line, r);
	line_end(&line);
}

void edit_report_dry(const char *path, const struct heft_edit_report *r)
{
	struct output line;
	bool is_first;

	line_begin(&line, path);
	output_text(&line, "not written: ");
	is_first = add_counts(&line, r);
	if (r->changes_metadata)
		output_text(&line, is_first ? "metadata changed" : ", metadata changed");
	else if (is_first)
		output_text(&line, "nothing would change");
	line_end(&line);
}

void edit_report_dead_bytes(const char *path)
{
	struct heft_file *file;
	struct output line;
	uint64_t n_dead_bytes;

	if (heft_open(path, NULL, &file, NULL) != HEFT_OK)
		return;
	n_dead_bytes = heft_file_state(file).n_dead_bytes;
	heft_close(file);
	if (n_dead_bytes == 0)
		return;
	line_begin(&line, path);
	output_grouped(&line, n_dead_bytes);
	output_text(&line, " dead bytes; 'heft compact' frees them");
	line_end(&line);
}
