/* SPDX-License-Identifier: Apache-2.0 */
/* format/torch.h - what the values of a PyTorch pickle say of its tensors, whatever the container:
 * a zip archive, a TorchScript one, or a legacy file (spec/foreign/pytorch.md). */
#ifndef FORMAT_TORCH_H
#define FORMAT_TORCH_H

#include "format/format.h"
#include "format/pickle.h"
#include "tensor/listing.h"

/* A run of memory that tensors look into. The container knows where it lies. */
struct heft_torch_storage {
	char *key;        /* owned; as the persistent id spells it; of a root in a legacy file */
	uint16_t dtype;   /* of its class; HEFT_DTYPE_NONE: untyped, counted in bytes */
	uint64_t n_bytes; /* by the persistent id */
	uint64_t at;      /* file offset of where the pickle names it, for messages */
	bool is_constant; /* of constants.pkl: the container's records lie in constants/ */
};

/* How tensor i of the listing looks into its storage. */
struct heft_torch_view {
	uint32_t storage; /* HEFT_TORCH_NO_STORAGE: it has no bytes (empty, or on a meta device) */
	uint64_t offset;  /* bytes, of element 0 */
	/* in `strides`: rank of them, in elements, not negative; F4's in pairs of them, as the
	 * last dimension was before it was doubled */
	uint64_t strides_at;
	bool is_contiguous; /* its bytes lie one behind the other, row-major */
};
#define HEFT_TORCH_NO_STORAGE UINT32_MAX

struct heft_torch_model {
	struct heft_listing *tensors;  /* ties set: the same storage through the same view */
	struct heft_torch_view *views; /* one a tensor; every element lies inside its storage */
	uint64_t *strides;
	/* each key that a persistent id names, once, whether a tensor looks into it or not */
	struct heft_torch_storage *storages;
	uint32_t n_storages;
	char *metadata; /* the other values, one JSON object */
};

/* Walks from the root of `main`, and of `constants` (NULL: there is none). The pickles may go
 * afterwards. CORRUPT, UNSUPPORTED, LIMIT with the offset of the value at fault. */
enum heft_status heft_torch_collect(const struct heft_pickle *main,
                                    const struct heft_pickle *constants,
                                    const struct heft_limits *limits,
                                    struct heft_torch_model *model, struct heft_error *err);
void heft_torch_model_done(struct heft_torch_model *model);

/* torch_write.c: the writer's half of the format's table. */
enum heft_status heft_torch_check(const struct heft_write_plan *plan, struct heft_error *err);
enum heft_status heft_torch_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                  uint32_t *order, void **w, struct heft_error *err);
enum heft_status heft_torch_encode(void *w, struct heft_piece *p, struct heft_coder *coder,
                                   uint8_t *scratch, struct heft_error *err);
enum heft_status heft_torch_place(void *w, struct heft_piece *p, struct heft_error *err);
enum heft_status heft_torch_store(void *w, const struct heft_piece *p, struct heft_error *err);
enum heft_status heft_torch_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                   struct heft_error *err);
void heft_torch_writer_free(void *w);

#endif
