/* SPDX-License-Identifier: Apache-2.0 */
/* run_profile.h - what each step of a run took: by kinds of operators, and step by step. */
#ifndef TOOLS_RUN_PROFILE_H
#define TOOLS_RUN_PROFILE_H

#include "heft/run.h"
#include "json_out.h"

enum run_profile {
	RUN_PROFILE_NONE,
	RUN_PROFILE_OPERATORS,
	RUN_PROFILE_NODES
};

void run_profile_print(struct output *out, const struct heft_session *session,
                       enum run_profile what);
/* The keys "operators" and "steps". */
void run_profile_print_json(struct json_out *j, const struct heft_session *session);

#endif
