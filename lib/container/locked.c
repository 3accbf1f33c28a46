/* SPDX-License-Identifier: Apache-2.0 */
/* locked.c - opens a heft file under its lock (spec/container.md 8.2, steps 1 to 3). */
#include "container/locked.h"

#include "base/error.h"
#include "base/lock.h"

#define LOCK_MS 10000

struct heft_edit_options heft_edit_options_fill(const struct heft_edit_options *options)
{
	struct heft_edit_options filled = { .lock_ms = 0 };

	if (options)
		filled = *options;
	if (filled.lock_ms == 0)
		filled.lock_ms = LOCK_MS;
	return filled;
}

/* Never mapped: somebody may cut short a file whose current generation is not whole. */
enum heft_status heft_locked_open(const char *path, const struct heft_edit_options *options,
                                  bool in_place, struct heft_source **out, struct heft_error *err)
{
	int fd;

	if (in_place)
		HEFT_TRY(heft_lock_open(path, options->lock_ms, &fd, err));
	else
		HEFT_TRY(heft_lock_open_read(path, options->lock_ms, &fd, err));
	return heft_source_open_fd(fd, false, out, err);
}

void heft_locked_close(struct heft_source *src)
{
	if (!src)
		return;
	heft_lock_release(heft_source_fd(src));
	heft_source_close(src);
}

enum heft_status heft_locked_index(struct heft_source *src, bool previous, struct heft_index **out,
                                   struct heft_error *err)
{
	const struct heft_index_options options = { .previous = previous };
	const enum heft_status st = heft_index_open(src, &options, out, err);

	if (st != HEFT_E_NOT_FORMAT)
		return st;
	return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
	                 "not a heft file, the only kind that is compacted or recovered");
}
