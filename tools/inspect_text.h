/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_text.h - what `heft inspect` found out, and how it shows that to people. */
#ifndef TOOLS_INSPECT_TEXT_H
#define TOOLS_INSPECT_TEXT_H

#include "heft/digest.h"
#include "output.h"

struct tensor_total {
	uint64_t n_elements;
	uint64_t n_bytes;
};

struct dtype_count {
	enum heft_dtype dtype;
	uint32_t n_tensors;
};

struct inspect_cost;   /* inspect_cost.h */
struct tensor_figures; /* inspect_stats.h */

enum inspect_view {
	INSPECT_LIST,
	INSPECT_TREE,
	INSPECT_GRAPH
};

struct inspection {
	struct heft_file *file;
	const char *name;
	const char *pattern;           /* NULL: all is shown */
	struct heft_graph_list *graph; /* of INSPECT_GRAPH */
	struct inspect_cost *cost;     /* likewise */
	uint32_t view;                 /* enum inspect_view */
	uint32_t max_depth;            /* of the tree; 0: all of it */
	uint64_t file_size;            /* of all n_files together */
	uint32_t n_files;
	enum heft_role *roles; /* of all tensors: by the graph where there is one */
	uint32_t *shown;       /* indexes of the tensors to list */
	uint32_t n_shown;
	uint32_t n_listed; /* the first so many of them get a line */
	uint32_t n_dtypes;
	struct dtype_count *dtypes; /* of all tensors, as they come up */
	struct tensor_total total;  /* likewise */
	uint64_t n_parameters;      /* elements of the weights, buffers apart, ties counted once */
	struct tensor_total shown_total;
	struct tensor_figures *figures; /* of those shown; NULL: not asked for */
	uint32_t sort;                  /* enum inspect_sort */
	bool has_roles;                 /* among those shown */
	bool has_spaces;
	bool has_ties;
	bool has_void; /* VOID: bytes of which the file does not say what they are */
	bool has_digest;
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file_state state;
	const char *metadata;
	size_t graph_size; /* 0: it has none */
};

/* Elements that count as parameters: of a weight that is no buffer, a tie counted once. */
uint64_t inspection_parameters(const struct inspection *x, const struct heft_tensor *t);

enum heft_status inspect_text_print(struct output *out, const struct inspection *x,
                                    struct heft_error *err);

#endif
