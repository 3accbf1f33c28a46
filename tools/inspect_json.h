/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_json.h - shows scripts what is in a file. */
#ifndef TOOLS_INSPECT_JSON_H
#define TOOLS_INSPECT_JSON_H

#include "inspect_text.h"

/* Prints one JSON object. Statistics are made as they are printed, by n_threads (0: as many as
 * there are cores). */
enum heft_status inspect_json_print(struct output *out, const struct inspection *x, bool with_stats,
                                    uint32_t n_threads, struct heft_error *err);

#endif
