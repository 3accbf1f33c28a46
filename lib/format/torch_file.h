/* SPDX-License-Identifier: Apache-2.0 */
/* format/torch_file.h - what the files that read PyTorch's containers share: the tensors, and where
 * the bytes of each storage lie (spec/foreign/pytorch.md, section 1). */
#ifndef FORMAT_TORCH_FILE_H
#define FORMAT_TORCH_FILE_H

#include "format/torch.h"
#include "format/zip.h"

#define HEFT_TORCH_PICKLE_MAX (UINT64_C(1) << 28) /* bytes of a pickle (K1-4) */
#define HEFT_TORCH_NO_MEMBER UINT32_MAX

/* Where a storage lies. */
struct heft_torch_record {
	uint64_t off;     /* in the file */
	uint64_t size;    /* unpacked; 0: there are no bytes */
	uint32_t member;  /* of the archive; HEFT_TORCH_NO_MEMBER in a legacy file */
	bool is_deflated; /* else the bytes lie there as they are */
};

struct heft_torch_file {
	struct heft_source *src; /* borrowed */
	struct heft_zip *zip;    /* NULL: a legacy file */
	struct heft_torch_model model;
	struct heft_torch_record *records; /* one a storage of the model */
	uint32_t pickles[2];               /* members that were read: data.pkl, constants.pkl */
	uint32_t n_pickles;
	bool is_big_endian;
};

/* A pickle, and the bytes that its values look into. */
struct heft_torch_pickle {
	uint8_t *bytes;
	struct heft_pickle *values;
};
void heft_torch_pickle_done(struct heft_torch_pickle *p);

/* torch_zip.c, torch_legacy.c: fill all but `src`, which is there. The caller calls
 * heft_torch_file_done whatever they say. */
enum heft_status heft_torch_open_zip(struct heft_torch_file *f, const struct heft_limits *limits,
                                     struct heft_error *err);
enum heft_status heft_torch_open_legacy(struct heft_torch_file *f, const struct heft_limits *limits,
                                        struct heft_error *err);
void heft_torch_file_done(struct heft_torch_file *f);

/* How sure it is, in bits, that a file which begins so is one, as a format's probe. */
unsigned heft_torch_probe_zip(const uint8_t *head, size_t n);
unsigned heft_torch_probe_legacy(const uint8_t *head, size_t n);
/* Tar files and lone pickles, which are refused by name; *what says what it is. */
unsigned heft_torch_probe_other(const uint8_t *head, size_t n, const char **what);

/* A record too short for what the pickle says, at the place of the persistent id (Y1-4). */
enum heft_status heft_torch_check_record(const struct heft_torch_storage *s,
                                         const struct heft_torch_record *r, struct heft_error *err);

/* torch_crc.c: compares the CRCs of the members that hold what was read (Y1-4). */
enum heft_status heft_torch_check_crcs(const struct heft_torch_file *f, const struct heft_run *run,
                                       struct heft_error *err);

#endif
