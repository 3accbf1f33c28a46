/* SPDX-License-Identifier: Apache-2.0 */
/* weights/unit.h - the unit that cuts a tensor into chunks. */
#ifndef WEIGHTS_UNIT_H
#define WEIGHTS_UNIT_H

#include "heft/file.h"

/* The dtype's, or what a heft file says of one that has none or is not known here; elsewhere the
 * size of an element of STR, UCS4 and VOID, and HEFT_E_UNSUPPORTED for unknown ones. */
enum heft_status heft_tensor_unit(struct heft_file *file, const struct heft_tensor *t,
                                  uint32_t *unit, struct heft_error *err);

#endif
