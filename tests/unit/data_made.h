/* SPDX-License-Identifier: Apache-2.0 */
/* data_made.h - files of data sets: npy, IDX, gzip. */
#ifndef HEFT_TEST_DATA_MADE_H
#define HEFT_TEST_DATA_MADE_H

#include <check.h>

#include "base/buffer.h"
#include "format/zip.h"
#include "heft/dataset.h"
#include "scratch.h"

/* `shape` as NumPy writes it, "(3, 4)". */
static inline void data_write_npy(const char *path, const char *dtype, const char *shape,
                                  const void *bytes, size_t n)
{
	struct heft_buffer b;
	char header[118];

	memset(header, ' ', sizeof header);
	header[snprintf(header, sizeof header,
	                "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", dtype, shape)] =
		' ';
	header[sizeof header - 1] = '\n';
	heft_buffer_init(&b);
	heft_buffer_add(&b, "\x93NUMPY\x01\x00\x76\x00", 10);
	heft_buffer_add(&b, header, sizeof header);
	heft_buffer_add(&b, bytes, n);
	scratch_write(path, b.bytes, b.size);
	heft_buffer_done(&b);
}

/* One member of gzip. */
static inline void data_add_gzip(struct heft_buffer *b, const void *bytes, size_t n)
{
	struct heft_zip_packer *packer;
	uint8_t *packed = malloc(heft_zip_pack_bound(n));
	size_t n_packed;

	ck_assert_ptr_nonnull(packed);
	ck_assert_int_eq(heft_zip_packer_new(6, &packer, NULL), HEFT_OK);
	ck_assert_int_eq(heft_zip_pack(packer, bytes, n, packed, &n_packed, NULL), HEFT_OK);
	heft_buffer_add(b, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
	heft_buffer_add(b, packed, n_packed);
	heft_buffer_add(b, "\x01\x00\x00\xff\xff", 5); /* the last block, empty */
	heft_buffer_add_le32(b, heft_zip_crc(0, bytes, n));
	heft_buffer_add_le32(b, (uint32_t)n);
	heft_zip_packer_free(packer);
	free(packed);
}

static inline void data_write(const char *path, bool is_packed, const void *bytes, size_t n)
{
	struct heft_buffer b;

	if (!is_packed) {
		scratch_write(path, bytes, n);
		return;
	}
	heft_buffer_init(&b);
	data_add_gzip(&b, bytes, n);
	scratch_write(path, b.bytes, b.size);
	heft_buffer_done(&b);
}

/* `bytes` as the file has them, big-endian. */
static inline void data_write_idx(const char *path, bool is_packed, uint8_t type, uint8_t rank,
                                  const uint32_t *dims, const void *bytes, size_t n)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_buffer_add(&b, (const uint8_t[]){ 0, 0, type, rank }, 4);
	for (uint8_t d = 0; d < rank; d++)
		for (int shift = 24; shift >= 0; shift -= 8)
			heft_buffer_add_u8(&b, (uint8_t)(dims[d] >> shift));
	heft_buffer_add(&b, bytes, n);
	data_write(path, is_packed, b.bytes, b.size);
	heft_buffer_done(&b);
}

static inline struct heft_dataset *data_open(const char *path)
{
	struct heft_error err;
	struct heft_dataset *ds;

	ck_assert_msg(heft_dataset_open(path, NULL, &ds, &err) == HEFT_OK, "%s: %s", path, err.msg);
	return ds;
}

/* Samples 0 to n - 1 of array i. */
static inline void data_read(struct heft_dataset *ds, uint32_t i, size_t n, void *dst)
{
	uint64_t samples[64];
	struct heft_error err;

	ck_assert_uint_le(n, 64);
	for (size_t k = 0; k < n; k++)
		samples[k] = k;
	ck_assert_msg(heft_dataset_read(ds, i, samples, n, dst, &err) == HEFT_OK, "%s", err.msg);
}

#endif
