/* SPDX-License-Identifier: Apache-2.0 */
/* verify_replay.h - `verify --replay`: the training that a file tells of is done again. */
#ifndef TOOLS_VERIFY_REPLAY_H
#define TOOLS_VERIFY_REPLAY_H

#include "command.h"
#include "heft/file.h"
#include "heft/replay.h"
#include "train_inputs.h"

struct verify_replay {
	const char *name;         /* of the file */
	struct train_words words; /* of the base and the data */
	const char *checkpoint;
	const char *beside; /* a path */
	uint32_t n_links;
	uint32_t n_threads;
};

/* Reports what fails; STATUS_DONE or STATUS_NO when there is an answer. */
int verify_replay_run(const struct invocation *in, const struct verify_replay *how,
                      struct heft_file *file, struct heft_replay_report *report);
void verify_replay_print(struct output *out, const char *name,
                         const struct heft_replay_report *report);

#endif
