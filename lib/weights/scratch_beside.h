/* SPDX-License-Identifier: Apache-2.0 */
/* weights/scratch_beside.h - room for what is too large for memory, in the folder of a new file. */
#ifndef WEIGHTS_SCRATCH_BESIDE_H
#define WEIGHTS_SCRATCH_BESIDE_H

#include "base/scratch.h"
#include "base/sink.h"

/* Of a stream: in the system's folder. *out is given back to heft_scratch_free. */
enum heft_status heft_scratch_beside(const struct heft_sink *sink, struct heft_scratch **out,
                                     struct heft_error *err);

#endif
