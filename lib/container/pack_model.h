/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_model.h - what the text form has said so far: the tensors and sections of the
 * generation that is being stated, the fields that it sets by hand, and the file as assembled up to
 * the generation before. */
#ifndef CONTAINER_PACK_MODEL_H
#define CONTAINER_PACK_MODEL_H

#include "codec/codec.h"
#include "codec/sha256.h"
#include "container/pack_text.h"

#define HEFT_PACK_NONE SIZE_MAX
#define HEFT_PACK_MAX_RANK 40 /* more than the container takes, so that a text can break its rule */

struct heft_pack_chunk {
	uint64_t line;
	uint8_t codec;
	bool has_stored;
	struct heft_buffer stored;
	uint64_t off;
	uint32_t crc;
};

/* Bytes that are stored once: those of a tensor and of all that share them. */
struct heft_pack_run {
	struct heft_buffer logical;
	struct heft_pack_chunk *chunks; /* those stated; when coded, one for each in the end */
	size_t n_chunks;
	uint32_t unit;
	bool is_coded;
	bool is_placed;
	uint64_t place;
	struct heft_buffer leaves; /* made once, when the run is placed */
	uint64_t n_leaves;
	uint64_t first_leaf;
	uint64_t first_extent;
	uint8_t root[HEFT_SHA256_SIZE];
};

/* Another tensor: by its name in the same space, or by its number in the text. */
struct heft_pack_ref {
	bool is_stated;
	char *name; /* NULL: by number */
	size_t name_size;
	uint64_t number;
	size_t found; /* in the list of tensors, while a generation is built */
};

struct heft_pack_tensor {
	uint64_t line;
	uint64_t generation; /* that stated it, counted from 0 */
	char *name;
	size_t name_size;
	uint16_t dtype;
	uint8_t space;
	uint32_t rank;
	uint32_t unit;
	uint64_t dims[HEFT_PACK_MAX_RANK];
	uint64_t n_bytes;
	struct heft_pack_ref tie;
	struct heft_pack_ref share;
	size_t own_run; /* HEFT_PACK_NONE: it takes another tensor's, or is empty */
	size_t run;     /* found while building */
	uint32_t row;
	uint32_t tie_row;
};

struct heft_pack_section {
	uint64_t line;
	uint64_t generation;
	uint32_t type;
	bool has_stored;
	bool is_recipe; /* ORIGIN by fields: its two digests are computed unless stated */
	bool has_list_digest;
	bool has_meta_digest;
	struct heft_buffer plain;
	struct heft_buffer stored;
};

/* What `set`, `resize` and `drop` change by hand. */
enum heft_pack_table {
	HEFT_PACK_TENSORS,
	HEFT_PACK_DIMS,
	HEFT_PACK_STRINGS,
	HEFT_PACK_ORDER,
	HEFT_PACK_LEAVES,
	HEFT_PACK_EXTENTS,
	HEFT_PACK_DIR_ROWS,
	HEFT_PACK_DIR_HEAD,
	HEFT_PACK_PAGE
};

struct heft_pack_set {
	uint64_t line;
	enum heft_pack_table table;
	bool by_type; /* row is the type of a section */
	bool is_used;
	uint64_t row;
	uint32_t at; /* in the row */
	uint32_t size;
	uint8_t *bytes;
};

struct heft_pack_resize {
	uint64_t line;
	uint32_t type;
	bool is_used;
	bool is_drop;
	uint64_t size;
};

/* What is done to the assembled file. */
enum heft_pack_damage_kind {
	HEFT_PACK_POKE,
	HEFT_PACK_TRUNCATE,
	HEFT_PACK_APPEND,
	HEFT_PACK_SWAP
};

struct heft_pack_damage {
	uint64_t line;
	enum heft_pack_damage_kind kind;
	bool from_end;
	uint64_t at;
	struct heft_buffer bytes;
};

/* A directory row as it was computed, so that the next generation can point to the same bytes. */
struct heft_pack_kept {
	uint32_t type;
	uint32_t crc;
	uint64_t off;
	uint64_t stored_size;
	uint64_t size;
	uint8_t digest[HEFT_SHA256_SIZE];
};

/* Where a line of data goes. */
enum heft_pack_target {
	HEFT_PACK_TO_NOTHING,
	HEFT_PACK_TO_TENSOR,
	HEFT_PACK_TO_CHUNK,
	HEFT_PACK_TO_SECTION,
	HEFT_PACK_TO_FRAME
};

struct heft_packer {
	uint64_t bytes_left; /* that the text may still state, or make the file grow by */
	enum heft_pack_target target;
	bool has_version;
	bool has_begun; /* something of the generation was stated */
	/* the generation that is being stated */
	uint64_t n_built;
	uint64_t number;
	uint8_t log2_alignment;
	bool is_uncommitted;
	uint64_t slot; /* page 0 or 1; UINT64_MAX: as the number says */
	struct heft_buffer skip;
	struct heft_pack_tensor *tensors;
	size_t n_tensors;
	struct heft_pack_run *runs;
	size_t n_runs;
	struct heft_pack_section *sections;
	size_t n_sections;
	struct heft_pack_set *sets;
	size_t n_sets;
	struct heft_pack_resize *resizes;
	size_t n_resizes;
	/* the recipe that is being stated: where the current file's fields stand in its section; 0:
	 * none */
	size_t recipe_files_at;
	size_t recipe_size_at;
	size_t recipe_literal_at;
	struct heft_pack_damage *damages;
	size_t n_damages;
	struct heft_pack_kept *kept;
	size_t n_kept;
	struct heft_buffer file;
	struct heft_sha256 *hash;
	struct heft_coder *coder;
};

/* Makes room for one more item behind n and zeroes it; false: no memory. */
bool heft_pack_grow(void *items, size_t n, size_t item_size);

/* Takes n bytes off those that are left: HEFT_E_LIMIT when there are fewer. */
enum heft_status heft_pack_spend(struct heft_packer *p, uint64_t n, struct heft_error *err);
/* pack_parse.c: one line of the text. */
enum heft_status heft_pack_statement(struct heft_packer *p, struct heft_pack_line *line,
                                     struct heft_error *err);
/* pack_tensor.c: the statements `tensor`, `delete`, `chunk`. */
enum heft_status heft_pack_state_tensor(struct heft_packer *p, struct heft_pack_line *line,
                                        struct heft_error *err);
enum heft_status heft_pack_state_delete(struct heft_packer *p, struct heft_pack_line *line,
                                        struct heft_error *err);
enum heft_status heft_pack_state_chunk(struct heft_packer *p, struct heft_pack_line *line,
                                       struct heft_error *err);
/* pack_set.c: the statements `set`, `resize`, `drop`, `poke`, `truncate`, `append`, `swap`; and
 * what they do. */
enum heft_status heft_pack_state_set(struct heft_packer *p, struct heft_pack_line *line,
                                     struct heft_error *err);
enum heft_status heft_pack_state_resize(struct heft_packer *p, struct heft_pack_line *line,
                                        bool is_drop, struct heft_error *err);
enum heft_status heft_pack_apply_sets(struct heft_packer *p, enum heft_pack_table table,
                                      uint8_t *rows, size_t row_size, uint64_t n_rows,
                                      struct heft_error *err);
enum heft_status heft_pack_forget_sets(struct heft_packer *p, struct heft_error *err);
/* The type of a section, by name or number; `what` was taken from the line. */
bool heft_pack_section_type(const char *word, size_t size, uint32_t *type);
/* pack_damage.c */
enum heft_status heft_pack_state_damage(struct heft_packer *p, enum heft_pack_damage_kind kind,
                                        struct heft_pack_line *line, struct heft_error *err);
enum heft_status heft_pack_damage(struct heft_packer *p, struct heft_error *err);
/* pack_origin.c: the statements `origin`, `file`, `literal`, `more`, `piece`. */
enum heft_status heft_pack_state_origin(struct heft_packer *p, struct heft_pack_line *line,
                                        struct heft_error *err);
enum heft_status heft_pack_state_file(struct heft_packer *p, struct heft_pack_line *line,
                                      struct heft_error *err);
enum heft_status heft_pack_state_literal(struct heft_packer *p, struct heft_pack_line *line,
                                         struct heft_error *err);
enum heft_status heft_pack_state_more(struct heft_packer *p, struct heft_pack_line *line,
                                      struct heft_error *err);
enum heft_status heft_pack_state_piece(struct heft_packer *p, struct heft_pack_line *line,
                                       struct heft_error *err);
/* pack_parse.c: begins a section; a section of an earlier generation is replaced. */
enum heft_status heft_pack_add_section(struct heft_packer *p, uint32_t type, uint64_t line,
                                       struct heft_pack_section **section, struct heft_error *err);
/* pack_place.c: whose run each tensor has, and the data of the runs that are not in the file yet.
 * Rows are known. */
enum heft_status heft_pack_place_runs(struct heft_packer *p, struct heft_error *err);

/* pack_tables.c: the six tables of a generation, by enum heft_pack_table. */
#define HEFT_PACK_N_TABLES 6

struct heft_pack_tables {
	struct heft_packer *p;
	const struct heft_pack_tensor **by_row; /* borrowed from the packer */
	struct heft_buffer table[HEFT_PACK_N_TABLES];
};

/* Goes to heft_pack_tables_done whatever the result. */
enum heft_status heft_pack_tables_init(struct heft_pack_tables *b, struct heft_packer *p,
                                       struct heft_error *err);
void heft_pack_tables_done(struct heft_pack_tables *b);
enum heft_status heft_pack_list_digest(struct heft_pack_tables *b, uint8_t *digest,
                                       struct heft_error *err);
/* pack_build.c: assembles the generation that was stated. */
enum heft_status heft_pack_build(struct heft_packer *p, struct heft_error *err);

#endif
