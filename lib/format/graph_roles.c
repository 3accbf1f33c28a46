/* SPDX-License-Identifier: Apache-2.0 */
/* graph_roles.c - the roles of a graph's weights, found by space and name. */
#include "format/graph_roles.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/shared.h"
#include "onnx/model.h"

struct heft_graph_roles {
	struct heft_onnx_model model;
	uint8_t *roles; /* one a tensor of the model */
	bool has_model;
};

static enum heft_status read_roles(struct heft_graph_roles *r, struct heft_wire_input *in,
                                   struct heft_error *err)
{
	const struct heft_limits limits = heft_format_limits(NULL);

	HEFT_TRY(heft_onnx_scan(in, &limits, true, &r->model, err));
	r->has_model = true;
	if (heft_listing_n(r->model.tensors) == 0)
		return HEFT_OK;
	r->roles = heft_alloc(heft_listing_n(r->model.tensors));
	if (!r->roles)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for roles");
	return heft_onnx_roles(in, &r->model, r->roles, err);
}

enum heft_status heft_graph_roles_new(const void *graph, size_t size, struct heft_graph_roles **out,
                                      struct heft_error *err)
{
	struct heft_graph_roles *r = heft_zalloc(sizeof *r);
	struct heft_wire_input in;
	enum heft_status st;

	if (!r)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for roles");
	heft_wire_input_memory(&in, graph, size);
	st = read_roles(r, &in, err);
	heft_wire_input_done(&in);
	if (st != HEFT_OK) {
		heft_graph_roles_free(r);
		return st;
	}
	*out = r;
	return HEFT_OK;
}

void heft_graph_roles_free(struct heft_graph_roles *roles)
{
	if (!roles)
		return;
	if (roles->has_model)
		heft_onnx_model_done(&roles->model);
	heft_free(roles->roles);
	heft_free(roles);
}

enum heft_role heft_graph_roles_find(const struct heft_graph_roles *roles, enum heft_space space,
                                     const char *name)
{
	uint32_t i;

	if (!heft_listing_find(roles->model.tensors, (uint8_t)space, name, strlen(name), &i))
		return HEFT_ROLE_UNKNOWN;
	return (enum heft_role)roles->roles[i];
}
