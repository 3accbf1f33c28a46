/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/edit.h - change a heft file in place, safe against crashes and other writers.
 *
 * An edit holds the file's lock, collects changes, and appends one new generation: readers that
 * have the file open, mapped or not, keep the one they know. No committed byte is ever written
 * again.
 *
 *	struct heft_edit *edit;
 *
 *	if (heft_edit_open("model.heft", NULL, &edit, &err) != HEFT_OK)
 *		...
 *	heft_edit_set_metadata(edit, "license", "\"MIT\"", &err);
 *	heft_edit_commit(edit, &err);		(frees edit)
 */
#ifndef HEFT_EDIT_H
#define HEFT_EDIT_H

#include "heft/file.h"

#ifdef __cplusplus
extern "C" {
#endif

struct heft_edit;

struct heft_edit_options {
	uint32_t lock_ms; /* how long to wait for the lock before HEFT_E_BUSY; 0: 10,000 */
	bool no_sync;
	/* change a file with several hard links in place, and so under all its names */
	bool keep_links;
	uint16_t reserved16;
	struct heft_run run;
	uint64_t reserved[8];
};

/**
 * Lock a heft file and read its current generation, whose tables are verified.
 *
 * Owns:    the caller owns *edit and gives it to heft_edit_commit or heft_edit_discard.
 * Units:   none. `options` may be NULL.
 * Errors:  HEFT_E_BUSY, those of heft_open, HEFT_E_UNSUPPORTED for another format.
 * Threads: any; one edit belongs to one thread at a time.
 */
HEFT_API enum heft_status heft_edit_open(const char *path, const struct heft_edit_options *options,
                                         struct heft_edit **edit, struct heft_error *err);

/**
 * Set one member of the metadata object.
 *
 * Owns:    nothing; texts are copied.
 * Units:   `json_value` is one JSON value; other members keep their bytes.
 * Errors:  HEFT_E_USAGE (not a value, not UTF-8), HEFT_E_LIMIT, HEFT_E_NOMEM.
 * Threads: see heft_edit_open.
 */
HEFT_API enum heft_status heft_edit_set_metadata(struct heft_edit *edit, const char *key,
                                                 const char *json_value, struct heft_error *err);

/**
 * Remove one member of the metadata object.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  HEFT_E_NOT_FOUND, HEFT_E_NOMEM.
 * Threads: see heft_edit_open.
 */
HEFT_API enum heft_status heft_edit_unset_metadata(struct heft_edit *edit, const char *key,
                                                   struct heft_error *err);

/**
 * Write the changes as a new generation. Without changes nothing is written.
 *
 * Owns:    takes `edit` whatever the result.
 * Units:   none.
 * Errors:  HEFT_E_IO: up to the last step the file is as it was; the message says when it may
 *          already hold the new generation. HEFT_E_NOMEM.
 * Threads: see heft_edit_open.
 */
HEFT_API enum heft_status heft_edit_commit(struct heft_edit *edit, struct heft_error *err);

/**
 * Give up and release the lock.
 *
 * Owns:    takes `edit`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: see heft_edit_open.
 */
HEFT_API void heft_edit_discard(struct heft_edit *edit);

/* What heft_compact and heft_recover did. */
struct heft_rewrite_report {
	uint32_t generation; /* the one that was kept */
	uint32_t newest;     /* the highest that a slot page names */
	uint64_t size_before;
	uint64_t size_after;
	bool is_untouched; /* heft_recover without out_path found nothing wrong and wrote nothing */
};

/**
 * Rewrite a heft file without dead bytes, under its lock; the new file has one generation and the
 * same artifact digest. Every chunk is verified as it is copied.
 *
 * Owns:    nothing; `report` may be NULL.
 * Units:   bytes.
 * Errors:  as heft_edit_open; HEFT_E_CORRUPT when a chunk does not verify. The old file is then
 *          whole.
 * Threads: any.
 */
HEFT_API enum heft_status heft_compact(const char *path, const struct heft_edit_options *options,
                                       struct heft_rewrite_report *report, struct heft_error *err);

/**
 * Bring back the newest generation of a damaged heft file that verifies as a whole, and write it as
 * a fresh file: over the old one, or, when it is not NULL, to `out_path`, which must not exist. A
 * file with nothing wrong is not written over itself.
 *
 * Owns:    nothing; `report` may be NULL.
 * Units:   bytes.
 * Errors:  HEFT_E_CORRUPT when no generation is whole; as heft_compact otherwise.
 * Threads: any.
 */
HEFT_API enum heft_status heft_recover(const char *path, const char *out_path,
                                       const struct heft_edit_options *options,
                                       struct heft_rewrite_report *report, struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
