/* SPDX-License-Identifier: Apache-2.0 */
/* format/torch_tree.h - what the files share that walk through the values of a PyTorch pickle: what
 * its calls say of tensors, where storages are kept, and how values become metadata
 * (spec/foreign/pytorch.md, sections 2 to 4). */
#ifndef FORMAT_TORCH_TREE_H
#define FORMAT_TORCH_TREE_H

#include "base/buffer.h"
#include "base/siphash.h"
#include "format/torch.h"

/* --- torch_types.c --- */

struct heft_torch_type {
	const char *storage;    /* the name of its storage's class, without "Storage" */
	const char *name;       /* torch's name of the dtype */
	const char *other_name; /* an alias, or NULL */
	uint16_t dtype;         /* of the elements; NONE: bytes of no type */
	uint8_t size;           /* bytes of what torch calls an element */
	bool is_quantised;
};

/* NULL: there is none that heft has a dtype for. */
const struct heft_torch_type *heft_torch_storage_type(const struct heft_pickle *p,
                                                      heft_pickle_ref v);
const struct heft_torch_type *heft_torch_dtype(const struct heft_pickle *p, heft_pickle_ref v);

/* --- torch_storages.c: every storage that is named, each key once --- */

struct heft_torch_storages {
	struct heft_torch_storage *all;
	const struct heft_torch_type **types;
	uint32_t *slots; /* open addressing: 0 is free, else 1 + an index */
	size_t n_slots;
	size_t capacity;
	uint32_t n;
	struct heft_sip_seed seed;
};

/* What one persistent id says: the part of a storage that is meant. */
struct heft_torch_part {
	uint32_t storage;
	uint64_t off; /* bytes */
	uint64_t size;
	const struct heft_torch_type *type;
};

void heft_torch_storages_init(struct heft_torch_storages *s);
void heft_torch_storages_done(struct heft_torch_storages *s);
/* All persistent ids of a pickle, whether the walk comes by or not: who reads a legacy file needs
 * the size of every storage to find the next one. */
enum heft_status heft_torch_storages_add(struct heft_torch_storages *s, const struct heft_pickle *p,
                                         bool is_constant, struct heft_error *err);
/* `v` is a persistent id of a storage of a pickle that was added. */
enum heft_status heft_torch_storages_find(const struct heft_torch_storages *s,
                                          const struct heft_pickle *p, bool is_constant,
                                          heft_pickle_ref v, struct heft_torch_part *part,
                                          struct heft_error *err);

/* --- torch_calls.c: what a value is --- */

enum heft_torch_what {
	HEFT_TORCH_OTHER,
	HEFT_TORCH_TENSOR, /* a dense tensor */
	HEFT_TORCH_QUANTISED,
	HEFT_TORCH_SPARSE,
	HEFT_TORCH_WRAPPED, /* a subclass without a storage: the tensors are in its state */
	HEFT_TORCH_STORAGE, /* one that no tensor looks into here */
	HEFT_TORCH_META,    /* a tensor on the meta device */
	HEFT_TORCH_UNKNOWN  /* a tensor of a kind that heft does not know */
};

/* The call that makes a tensor, whatever is around it: a parameter, a subclass. */
struct heft_torch_call {
	const char *name;      /* of the function, as in "_rebuild_tensor_v2" */
	heft_pickle_ref value; /* of the call itself */
	heft_pickle_ref args;  /* a TUPLE */
	heft_pickle_ref state; /* attributes that were set on the tensor; NONE: none */
	heft_pickle_ref dtype; /* that it is turned into; NONE: its own */
};

enum heft_torch_what heft_torch_look(const struct heft_pickle *p, heft_pickle_ref v,
                                     struct heft_torch_call *call);
/* The i-th argument, or NONE. */
heft_pickle_ref heft_torch_argument(const struct heft_pickle *p, const struct heft_torch_call *call,
                                    uint32_t i);
/* The i-th item of a TUPLE, if it is of that kind; else, and of anything else, NONE. */
heft_pickle_ref heft_torch_item(const struct heft_pickle *p, heft_pickle_ref tuple, uint32_t i,
                                enum heft_pickle_kind kind);
/* A value that stands for another one, as torch.Size(TUPLE) for the tuple; else v itself. */
heft_pickle_ref heft_torch_plain(const struct heft_pickle *p, heft_pickle_ref v);
/* The class of an OBJECT or CALL: a GLOBAL, or NONE. */
heft_pickle_ref heft_torch_class(const struct heft_pickle *p, heft_pickle_ref v);
/* Whether v is an object with the three dicts of a module. */
bool heft_torch_is_module(const struct heft_pickle *p, heft_pickle_ref v);
/* Whether a state is the pair of dicts that Python makes of an object with slots. */
bool heft_torch_is_slots(const struct heft_pickle *p, heft_pickle_ref state);

/* --- torch_tensor.c: what a call says --- */

struct heft_torch_tensor {
	uint64_t at;
	uint16_t dtype;
	bool is_quantised;
	bool is_contiguous;
	uint32_t rank;
	uint32_t storage; /* HEFT_TORCH_NO_STORAGE: it has no bytes */
	uint64_t offset;  /* bytes */
	uint64_t n_elements;
	uint64_t n_bytes;
	uint64_t dims[HEFT_MAX_RANK];
	uint64_t strides[HEFT_MAX_RANK];
};

/* Of a TENSOR, QUANTISED, STORAGE or META. `name` is for messages. */
enum heft_status heft_torch_read_tensor(const struct heft_torch_storages *storages,
                                        const struct heft_pickle *p, bool is_constant,
                                        enum heft_torch_what what,
                                        const struct heft_torch_call *call, const char *name,
                                        struct heft_torch_tensor *t, struct heft_error *err);
/* Fills dims (HEFT_MAX_RANK) from a tuple, a list or a torch.Size of numbers that are not
 * negative. */
enum heft_status heft_torch_read_dims(const struct heft_pickle *p, heft_pickle_ref v,
                                      const char *name, const char *what, uint32_t *rank,
                                      uint64_t *dims, struct heft_error *err);

/* --- what the metadata are to say of the walk --- */

struct heft_torch_notes {
	heft_pickle_ref wrapper;      /* the key that was left out; NONE: none */
	struct heft_buffer quantised; /* members of a JSON object, without the braces */
	struct heft_buffer sparse;
	bool has_other_spaces; /* a tensor is not in space `weights` */
};

/* --- torch_listed.c: adds what the walk finds --- */

struct heft_torch_adder {
	struct heft_torch_model *model;
	const struct heft_limits *limits;
	struct heft_listing *composites; /* the names that the notes have, over all spaces */
	size_t views_capacity;
	uint64_t n_strides;
	size_t strides_capacity;
	uint64_t tries_left; /* of names that are there already */
	uint64_t names_left; /* bytes of names */
};

/* Appends "#2", "#3", … to the name while it is taken. The buffer has bytes, and room for a NUL. */
enum heft_status heft_torch_number(struct heft_torch_adder *a, struct heft_buffer *name,
                                   uint8_t space, bool is_composite, uint64_t at,
                                   struct heft_error *err);
enum heft_status heft_torch_add(struct heft_torch_adder *a, struct heft_buffer *name, uint8_t space,
                                const struct heft_torch_tensor *t, struct heft_error *err);
/* Y2-6, when all are there. */
enum heft_status heft_torch_tie(struct heft_torch_model *model, struct heft_error *err);

/* --- torch_meta.c, torch_number.c, torch_numpy.c: metadata --- */

#define HEFT_TORCH_META_MAX ((size_t)1 << 25) /* of the values; a buffer of it may double */

enum heft_status heft_torch_tell(const struct heft_pickle *main,
                                 const struct heft_pickle *constants,
                                 const struct heft_torch_notes *notes,
                                 const struct heft_limits *limits, char **metadata,
                                 struct heft_error *err);

void heft_torch_add_float(struct heft_buffer *b, double v);
void heft_torch_add_int(struct heft_buffer *b, int64_t v);
/* A number of n bytes, two's complement, little-endian; false: it is too long to be told. */
bool heft_torch_add_big(struct heft_buffer *b, const uint8_t *bytes, size_t n);
void heft_torch_add_base64(struct heft_buffer *b, const uint8_t *bytes, size_t n);
/* Text as a JSON string, or typed where it holds surrogates. */
void heft_torch_add_text(struct heft_buffer *b, const uint8_t *text, size_t n);
/* The scalar or the array of numbers that a call of NumPy's makes; false: it is none. Nothing is
 * added where it takes more than max_size. */
bool heft_torch_add_numpy(struct heft_buffer *b, const struct heft_pickle *p, heft_pickle_ref v,
                          size_t max_size);

#endif
