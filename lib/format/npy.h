/* SPDX-License-Identifier: Apache-2.0 */
/* format/npy.h - NumPy's array header, which .npy files and the members of .npz archives begin with.
 * Rules: spec/foreign/npy.md. */
#ifndef FORMAT_NPY_H
#define FORMAT_NPY_H

#include "base/buffer.h"
#include "format/format.h"

#define HEFT_NPY_MAX_HEADER UINT32_C(1048576) /* of a file that is read */

/* The header that numpy.save writes for a little-endian, row-major array: version 1.0, or 2.0 where
 * its size asks for that, byte for byte. HEFT_E_USAGE, with the option that helps, for a dtype that
 * NumPy has no name for (bf16, f8, ...). Sticky failure of memory in the buffer. */
enum heft_status heft_npy_write_header(const struct heft_tensor *t, struct heft_buffer *b,
                                       struct heft_error *err);

#endif
