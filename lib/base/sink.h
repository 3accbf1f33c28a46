/* SPDX-License-Identifier: Apache-2.0 */
/* base/sink.h - a new file that appears whole or not at all: written as an O_EXCL temporary beside
 * its target, synced, renamed, and its folder synced. "-" is standard output, which takes bytes in
 * order only. */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include "heft/error.h"

struct heft_sink;

struct heft_sink_options {
	/* else an existing target is HEFT_E_USAGE, told at once and again at the commit (link, not
	 * rename) */
	bool overwrite;
	bool no_sync;
};

/* A symbolic link at `path` is followed, so that the file it points to is replaced and not the
 * link. The new file takes the mode of the one it replaces, else 0666 less the umask. */
enum heft_status heft_sink_open(const char *path, const struct heft_sink_options *options,
                                struct heft_sink **out, struct heft_error *err);
/* Begins a second file beside, of the same name with `suffix` behind it: it is committed and
 * discarded with `s`, which owns it, and gets its name right before `s` gets its own. At most one,
 * and not for a stream. On failure there is none. */
enum heft_status heft_sink_add_companion(struct heft_sink *s, const char *suffix,
                                         struct heft_sink **out, struct heft_error *err);
/* What the file will be called in its folder, links followed; NULL for a stream. */
const char *heft_sink_name(const struct heft_sink *s);
/* How many files the commit will name, and their bytes so far; zeros for a stream. */
void heft_sink_total(struct heft_sink *s, uint32_t *n_files, uint64_t *n_bytes);
bool heft_sink_is_stream(const struct heft_sink *s);
/* Writes at an offset; any thread, any order; not for a stream. Short writes and EINTR are
 * retried. */
enum heft_status heft_sink_pwrite(struct heft_sink *s, uint64_t off, const void *bytes, size_t n,
                                  struct heft_error *err);
/* Writes behind what was written so far; for a stream the only way, and one thread at a time. */
enum heft_status heft_sink_append(struct heft_sink *s, const void *bytes, size_t n,
                                  struct heft_error *err);
/* A descriptor of the temporary, open for reading and writing, to check it before the commit; -1
 * for a stream. What was appended is in the file when this returns, and not what is appended later.
 */
int heft_sink_fd(struct heft_sink *s);
const char *heft_sink_temp_path(const struct heft_sink *s); /* NULL for a stream */
/* Sets the file's final size (it may not end with a hole); not for a stream. */
enum heft_status heft_sink_truncate(struct heft_sink *s, uint64_t size, struct heft_error *err);
/* fsync, close with its result checked, rename, fsync of the folder; frees s whatever the result.
 * On failure the temporary is removed and the old file is whole. */
enum heft_status heft_sink_commit(struct heft_sink *s, struct heft_error *err);
void heft_sink_discard(struct heft_sink *s); /* removes the temporary */

#endif
