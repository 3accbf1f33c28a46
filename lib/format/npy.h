/* SPDX-License-Identifier: Apache-2.0 */
/* format/npy.h - an array as NumPy writes it, wherever its bytes lie: a .npy file is one, an .npz
 * archive holds many. Its header is read and checked, its tensors (one; of a structured array one a
 * field) join a listing, and their logical bytes are read. Rules: spec/foreign/npy.md. */
#ifndef FORMAT_NPY_H
#define FORMAT_NPY_H

#include "base/buffer.h"
#include "base/scratch.h"
#include "format/format.h"

#define HEFT_NPY_MAGIC "\x93NUMPY"
#define HEFT_NPY_MAGIC_SIZE 6u
#define HEFT_NPY_MAX_HEADER UINT32_C(1048576) /* of a file that is read */

/* --- reading --- */

struct heft_npy; /* an open array */

/* Reads bytes [off, off + n) of the array's file, counted from its magic; the range lies within
 * its size. Any thread. */
typedef enum heft_status (*heft_npy_read_fn)(void *ctx, uint64_t off, void *dst, size_t n,
                                             struct heft_error *err);

/* Where an array's file is, magic and header included. */
struct heft_npy_input {
	heft_npy_read_fn read;
	void *ctx;     /* borrowed; outlives the array */
	uint64_t size; /* of the array's file; what lies behind the array is not looked at */
	/* The file that holds these very bytes from `file_off` on; NULL where they are packed, and
	 * then file_off is what messages name. */
	struct heft_source *src;
	uint64_t file_off;
};

/* What the arrays of a file have in common. */
struct heft_npy_options {
	struct heft_limits limits; /* without zeros: heft_format_limits */
	const struct heft_assume *assumes;
	uint32_t n_assumes;
	struct heft_scratch *scratch; /* borrowed; outlives the arrays. For column-major ones */
};

/* Reads the header and no data. The array's tensors are added to `tensors`, one behind the other:
 * `name`, or `name`.field, their data_off the offset in the file that holds them (of packed bytes:
 * file_off). On failure the listing may hold some of them. CORRUPT, UNSUPPORTED, LIMIT with the
 * offset; USAGE for an assumption that does not fit. */
enum heft_status heft_npy_open(const struct heft_npy_input *in,
                               const struct heft_npy_options *options, const char *name,
                               size_t name_size, struct heft_listing *tensors,
                               struct heft_npy **out, struct heft_error *err);
void heft_npy_close(struct heft_npy *a);               /* takes NULL */
uint32_t heft_npy_n_tensors(const struct heft_npy *a); /* 0: a record without fields */
uint64_t heft_npy_data_off(const struct heft_npy *a);  /* from the magic to the data */
uint64_t heft_npy_end(const struct heft_npy *a);       /* from the magic to behind the data */
/* Whether the data is one tensor's bytes, so that a recipe can give the file back. */
bool heft_npy_is_plain(const struct heft_npy *a);
/* Logical bytes [off, off + n) of the array's k-th tensor; the range was checked. Any thread. The
 * first read of a column-major array puts all of it into the scratch file. */
enum heft_status heft_npy_read(struct heft_npy *a, uint32_t k, uint64_t off, void *dst, size_t n,
                               struct heft_error *err);
/* As a format's `locate`: with transform where the bytes lie in another order. */
enum heft_status heft_npy_locate(const struct heft_npy *a, uint32_t k, struct heft_place *place,
                                 struct heft_error *err);

/* --- writing --- */

/* HEFT_E_USAGE, with the option that helps, for what NumPy has no name for (bf16, f8, ...) and for
 * a tensor of another space than weights. */
enum heft_status heft_npy_check_tensor(const struct heft_tensor *t, struct heft_error *err);
/* The header, magic included, that numpy.save writes for a little-endian, row-major array, byte for
 * byte. `unit` is the listing's. The tensor was checked. Sticky failure of memory in the buffer. */
void heft_npy_write_header(const struct heft_tensor *t, uint32_t unit, struct heft_buffer *b);

#endif
