/* SPDX-License-Identifier: Apache-2.0 */
/* container/content.h - whether a content section says what it should, once its bytes are known to
 * be those that the directory states (spec/container.md 7). */
#ifndef CONTAINER_CONTENT_H
#define CONTAINER_CONTENT_H

#include "container/index.h"

/* META is well-formed, and ORIGIN a recipe for tensors of this index; of other types nothing is
 * known. `bytes` are the plain ones and stay the caller's. */
enum heft_status heft_content_check(struct heft_index *ix, const struct heft_section *s,
                                    uint8_t *bytes, struct heft_error *err);

#endif
