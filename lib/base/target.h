/* SPDX-License-Identifier: Apache-2.0 */
/* base/target.h - the place where a new file is to appear: its folder, its name there, the
 * temporary beside it, and the step that gives the temporary its name. All of it is relative to the
 * open folder, so that it holds when somebody renames that, and no path grows past PATH_MAX. */
#ifndef BASE_TARGET_H
#define BASE_TARGET_H

#include <sys/types.h>

#include "heft/error.h"

struct heft_target {
	int folder_fd;
	char *name;      /* in the folder */
	char *temp_name; /* in the folder; NULL: no temporary */
	char *temp_path; /* the same as a path */
	char *old_name;  /* in the folder; of the file that was replaced, while it can come back */
	bool replaces;   /* a file is there now, or beside, with the three below */
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* Follows links at the end of `path`. HEFT_E_USAGE for what is no file, and for a file that is
 * there without `overwrite`; HEFT_E_NOT_FOUND when the folder is not. */
enum heft_status heft_target_init(struct heft_target *t, const char *path, bool overwrite,
                                  struct heft_error *err);
/* The place beside that has the same name with `suffix` behind it. Links are not followed, and what
 * is no regular file there is HEFT_E_USAGE, as is a name that is too long. A file that is new there
 * becomes as private as `first`. */
enum heft_status heft_target_init_beside(struct heft_target *t, const struct heft_target *first,
                                         const char *suffix, bool overwrite,
                                         struct heft_error *err);
void heft_target_done(struct heft_target *t);
/* Makes the temporary and opens it for reading and writing. */
enum heft_status heft_target_create_temp(struct heft_target *t, int *fd, struct heft_error *err);
void heft_target_remove_temp(struct heft_target *t);
/* Gives the temporary the mode, and as far as allowed the owner, of the file that it replaces. */
enum heft_status heft_target_take_mode(const struct heft_target *t, int fd, struct heft_error *err);
/* Gives the temporary the target's name. Without `overwrite` a file that appeared meanwhile is
 * HEFT_E_USAGE. */
enum heft_status heft_target_publish(struct heft_target *t, bool overwrite, struct heft_error *err);
/* The same, in such a way that heft_target_withdraw brings back what was there. (Where the file
 * system has no links it brings back nothing, and removes the new file.) */
enum heft_status heft_target_publish_for_now(struct heft_target *t, bool overwrite,
                                             struct heft_error *err);
void heft_target_withdraw(struct heft_target *t);
void heft_target_settle(struct heft_target *t); /* it stays */
enum heft_status heft_target_sync_folder(const struct heft_target *t, struct heft_error *err);

/* ".NAME.heft-XXXXXX.tmp", with a long NAME cut between two characters; another one at each try.
 * The caller frees it; NULL: no memory. */
char *heft_temp_name(const char *name, size_t name_size_max, unsigned try_i);
/* A rename of a file or folder that fails with EEXIST (errno) instead of replacing. */
int heft_rename_new(int from_fd, const char *from, int to_fd, const char *to);

#endif
