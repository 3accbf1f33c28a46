/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/edit.h - change the metadata and the names, ties and number of the tensors of a file.
 *
 * An edit holds the file's lock, collects changes, and writes them all at once. To a heft file it
 * appends one new generation: readers that have the file open, mapped or not, keep the one they
 * know, and no committed byte is ever written again. A file of another format is written anew
 * beside itself, as heft_convert would write it, and renamed; a set of shards goes by its index,
 * and its files are renamed one by one, the index last.
 *
 *	struct heft_edit *edit;
 *
 *	if (heft_edit_open("model.heft", NULL, &edit, &err) != HEFT_OK)
 *		...
 *	heft_edit_set_metadata(edit, "license", "\"MIT\"", &err);
 *	heft_edit_rename(edit, "encoder.*", "backbone.*", &err);
 *	heft_edit_commit(edit, &err);		(frees edit)
 *
 * Names and patterns mean the tensors as they were when the edit began, so that two can change
 * names. A call that fails with HEFT_E_USAGE or HEFT_E_NOT_FOUND has changed nothing; after any
 * other failure the edit only takes heft_edit_discard.
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
	/* change a heft file with several hard links in place, and so under all its names; files
	 * of other formats cannot be changed so: HEFT_E_USAGE */
	bool keep_links;
	uint16_t reserved16;
	struct heft_run run;
	uint64_t reserved[8];
};

/* What an edit comes to. */
struct heft_edit_report {
	uint64_t n_renamed; /* tensors that get another name */
	uint64_t n_deleted;
	uint64_t n_tied; /* calls of heft_edit_tie */
	uint64_t n_untied;
	bool is_changed; /* else the commit writes nothing */
	bool changes_metadata;
	bool is_rewrite; /* no heft file: all of it is written anew */
	/* what a person should know: "section ... is dropped"; else empty */
	char note[200];
	uint64_t reserved[6];
};

/**
 * Lock a file and read what is in it; the tables of a heft file's current generation are verified.
 *
 * Owns:    the caller owns *edit and gives it to heft_edit_commit or heft_edit_discard.
 * Units:   none. `options` may be NULL.
 * Errors:  HEFT_E_BUSY, those of heft_open, HEFT_E_USAGE for a format that is only read.
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
 * Give a tensor another name, or all that match a pattern, as struct heft_rename says. A tensor
 * goes by the first rule that matches it. A name may be one that another tensor had, when that one
 * is renamed or deleted.
 *
 * Owns:    nothing; texts are copied.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (a rule that is none, or matches nothing that has no new name yet; a new
 *          name that is too long), HEFT_E_NOMEM.
 * Threads: see heft_edit_open.
 */
HEFT_API enum heft_status heft_edit_rename(struct heft_edit *edit, const char *from, const char *to,
                                           struct heft_error *err);

/**
 * Delete all tensors that match a pattern of fnmatch(3), of every space. Deleting counts before
 * renaming. Nothing has to be left.
 *
 * Owns:    nothing; the text is copied.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (nothing matches), HEFT_E_NOMEM.
 * Threads: see heft_edit_open.
 */
HEFT_API enum heft_status heft_edit_delete(struct heft_edit *edit, const char *pattern,
                                           struct heft_error *err);

/**
 * Make tensor `name`, with all that are tied to it, the same parameter as `first`. Dtype, shape and
 * the values that the file states must be equal. Of a name that several spaces have, the tensor of
 * the lowest space is meant.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such tensor, they differ, a format without ties), HEFT_E_NOMEM.
 * Threads: see heft_edit_open.
 */
HEFT_API enum heft_status heft_edit_tie(struct heft_edit *edit, const char *name, const char *first,
                                        struct heft_error *err);

/**
 * Make a tied tensor a parameter of its own; those that it was tied to stay tied to one another.
 * Its bytes stay where they are, and may still be stored once for several tensors.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such tensor, not tied), HEFT_E_NOMEM.
 * Threads: see heft_edit_open.
 */
HEFT_API enum heft_status heft_edit_untie(struct heft_edit *edit, const char *name,
                                          struct heft_error *err);

/**
 * Tell what heft_edit_commit would do, and whether the file can hold it. Nothing is written.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (two tensors of one name, a name that is none, a rule for tensors that are
 *          all deleted or renamed by earlier ones, what the format cannot hold); those of reading
 *          the file.
 * Threads: see heft_edit_open.
 */
HEFT_API enum heft_status heft_edit_check(struct heft_edit *edit, struct heft_edit_report *report,
                                          struct heft_error *err);

/**
 * Write the changes: into a heft file as a new generation, else the file anew. Without changes
 * nothing is written.
 *
 * Owns:    takes `edit` whatever the result.
 * Units:   none.
 * Errors:  those of heft_edit_check. HEFT_E_IO: up to the last step the file is as it was; the
 *          message says when it may already hold the new generation. HEFT_E_CANCELLED,
 *          HEFT_E_NOMEM.
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
