/* SPDX-License-Identifier: Apache-2.0 */
/* torch_calls.c - what a value of a PyTorch pickle is: a tensor and the call that makes it, a
 * module, a stand-in for another value (Y2-1, Y3-2). */
#include <string.h>

#include "format/torch_tree.h"

#define MAX_PEELED 16 /* calls around one tensor: a parameter of a subclass has two */

struct maker {
	const char *name;
	enum heft_torch_what what;
};

/* Functions of torch._utils. */
static const struct maker makers[] = {
	{ "_rebuild_tensor_v2", HEFT_TORCH_TENSOR },
	{ "_rebuild_tensor_v3", HEFT_TORCH_TENSOR },
	{ "_rebuild_tensor", HEFT_TORCH_TENSOR },
	{ "_rebuild_qtensor", HEFT_TORCH_QUANTISED },
	{ "_rebuild_sparse_tensor", HEFT_TORCH_SPARSE },
	{ "_rebuild_sparse_csr_tensor", HEFT_TORCH_SPARSE },
	{ "_rebuild_wrapper_subclass", HEFT_TORCH_WRAPPED },
	{ "_rebuild_meta_tensor_no_storage", HEFT_TORCH_META },
};

static bool is_tuple(const struct heft_pickle *p, heft_pickle_ref v)
{
	return v != HEFT_PICKLE_NONE && heft_pickle_kind(p, v) == HEFT_PICKLE_TUPLE;
}

static bool is_global(const struct heft_pickle *p, heft_pickle_ref v)
{
	return v != HEFT_PICKLE_NONE && heft_pickle_kind(p, v) == HEFT_PICKLE_GLOBAL;
}

static bool is_made(const struct heft_pickle *p, heft_pickle_ref v)
{
	return heft_pickle_kind(p, v) == HEFT_PICKLE_CALL ||
	       heft_pickle_kind(p, v) == HEFT_PICKLE_OBJECT;
}

heft_pickle_ref heft_torch_item(const struct heft_pickle *p, heft_pickle_ref tuple, uint32_t i,
                                enum heft_pickle_kind kind)
{
	heft_pickle_ref v;

	if (tuple == HEFT_PICKLE_NONE || heft_pickle_kind(p, tuple) != HEFT_PICKLE_TUPLE ||
	    i >= heft_pickle_n_items(p, tuple))
		return HEFT_PICKLE_NONE;
	v = heft_pickle_item(p, tuple, i);
	return heft_pickle_kind(p, v) == kind ? v : HEFT_PICKLE_NONE;
}

heft_pickle_ref heft_torch_argument(const struct heft_pickle *p, const struct heft_torch_call *call,
                                    uint32_t i)
{
	if (!is_tuple(p, call->args) || i >= heft_pickle_n_items(p, call->args))
		return HEFT_PICKLE_NONE;
	return heft_pickle_item(p, call->args, i);
}

/* Old files give a module's class by a persistent id: ('module', CLASS, FILE, TEXT). */
heft_pickle_ref heft_torch_class(const struct heft_pickle *p, heft_pickle_ref v)
{
	heft_pickle_ref callee = heft_pickle_callee(p, v);

	if (callee != HEFT_PICKLE_NONE && heft_pickle_kind(p, callee) == HEFT_PICKLE_PERSISTENT) {
		const heft_pickle_ref id = heft_pickle_argument(p, callee);

		if (!is_tuple(p, id) || heft_pickle_n_items(p, id) < 2)
			return HEFT_PICKLE_NONE;
		callee = heft_pickle_item(p, id, 1);
	}
	return is_global(p, callee) ? callee : HEFT_PICKLE_NONE;
}

/* --- tensors --- */

#define DEVICE_TENSOR "_rebuild_device_tensor_from_cpu_tensor"

/* What is given a tensor and gives it back: parameters, and tensors that come from a device. */
static bool is_around_one(const char *module, const char *name)
{
	if (strcmp(module, "torch.nn.parameter") == 0)
		return strcmp(name, "Parameter") == 0 || strcmp(name, "Buffer") == 0;
	if (strcmp(module, "torch.autograd.variable") == 0)
		return strcmp(name, "Variable") == 0;
	return strcmp(module, "torch._utils") == 0 &&
	       (strncmp(name, "_rebuild_parameter", 18) == 0 || strcmp(name, DEVICE_TENSOR) == 0);
}

static bool is_subclass(const char *module, const char *name)
{
	return strcmp(module, "torch._tensor") == 0 && strncmp(name, "_rebuild_from_type", 18) == 0;
}

static enum heft_torch_what maker_of(const char *module, const char *name)
{
	if (strcmp(module, "torch.jit._pickle") == 0 && strncmp(name, "build_tensor_", 13) == 0)
		return HEFT_TORCH_UNKNOWN; /* a number of one in a table beside the pickle */
	if (strcmp(module, "torch._utils") != 0 || strncmp(name, "_rebuild_", 9) != 0)
		return HEFT_TORCH_OTHER;
	for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
		if (strcmp(name, makers[i].name) == 0)
			return makers[i].what;
	}
	return HEFT_TORCH_UNKNOWN;
}

/* The attributes of the outermost call that sets any. */
static void note_state(struct heft_torch_call *call, heft_pickle_ref state)
{
	if (call->state == HEFT_PICKLE_NONE)
		call->state = state;
}

/* Steps to the tensor inside. The state of a Parameter itself is whether it needs gradients; an
 * argument of the other function's, attributes. A device's is (TENSOR, DTYPE, DEVICE, …). */
static heft_pickle_ref peel(const struct heft_pickle *p, struct heft_torch_call *call)
{
	if (strcmp(call->name, "_rebuild_parameter_with_state") == 0)
		note_state(call, heft_torch_argument(p, call, 3));
	if (strcmp(call->name, DEVICE_TENSOR) == 0)
		call->dtype = heft_torch_argument(p, call, 1);
	return heft_torch_argument(p, call, 0);
}

/* (FUNCTION, CLASS, ARGUMENTS, STATE): the same call, with other arguments. */
static heft_pickle_ref peel_subclass(const struct heft_pickle *p, struct heft_torch_call *call)
{
	const heft_pickle_ref function = heft_torch_argument(p, call, 0);

	note_state(call, heft_torch_argument(p, call, 3));
	call->args = heft_torch_argument(p, call, 2);
	return function;
}

static enum heft_torch_what look_at_storage(const struct heft_pickle *p, heft_pickle_ref v)
{
	const heft_pickle_ref id = heft_pickle_argument(p, v);

	if (!is_tuple(p, id) || heft_pickle_n_items(p, id) == 0 ||
	    !heft_pickle_is_text(p, heft_pickle_item(p, id, 0), "storage"))
		return HEFT_TORCH_OTHER;
	return HEFT_TORCH_STORAGE;
}

enum heft_torch_what heft_torch_look(const struct heft_pickle *p, heft_pickle_ref v,
                                     struct heft_torch_call *call)
{
	heft_pickle_ref function;
	bool is_around = false; /* there is a call around v: what is in it is a tensor */

	*call = (struct heft_torch_call){
		.value = v,
		.state = HEFT_PICKLE_NONE,
		.dtype = HEFT_PICKLE_NONE,
	};
	if (heft_pickle_kind(p, v) == HEFT_PICKLE_PERSISTENT)
		return look_at_storage(p, v);
	if (!is_made(p, v))
		return HEFT_TORCH_OTHER;
	function = heft_torch_class(p, v);
	call->args = heft_pickle_argument(p, v);
	for (unsigned i = 0; i < MAX_PEELED && is_global(p, function); i++) {
		const char *module = heft_pickle_module(p, function);

		call->name = heft_pickle_name(p, function);
		if (is_subclass(module, call->name)) {
			function = peel_subclass(p, call);
		} else if (is_around_one(module, call->name)) {
			const heft_pickle_ref inner = peel(p, call);

			if (inner == HEFT_PICKLE_NONE || !is_made(p, inner))
				return HEFT_TORCH_UNKNOWN;
			call->value = inner;
			function = heft_torch_class(p, inner);
			call->args = heft_pickle_argument(p, inner);
		} else {
			const enum heft_torch_what what = maker_of(module, call->name);

			return what == HEFT_TORCH_OTHER && is_around ? HEFT_TORCH_UNKNOWN : what;
		}
		is_around = true;
	}
	return is_around ? HEFT_TORCH_UNKNOWN : HEFT_TORCH_OTHER;
}

/* --- other values --- */

/* TorchScript's lists, build_intlist([…]) and the like, and values with a type written beside. */
static bool is_stand_in(const struct heft_pickle *p, heft_pickle_ref class)
{
	const char *module = heft_pickle_module(p, class);
	const char *name = heft_pickle_name(p, class);

	if (strcmp(module, "torch") == 0)
		return strcmp(name, "Size") == 0;
	if (strcmp(module, "torch.jit._pickle") != 0)
		return false;
	return strcmp(name, "restore_type_tag") == 0 ||
	       (strncmp(name, "build_", 6) == 0 && strcmp(name + strlen(name) - 4, "list") == 0);
}

heft_pickle_ref heft_torch_plain(const struct heft_pickle *p, heft_pickle_ref v)
{
	for (unsigned i = 0; i < MAX_PEELED && is_made(p, v); i++) {
		const heft_pickle_ref class = heft_torch_class(p, v);
		const heft_pickle_ref args = heft_pickle_argument(p, v);

		if (class == HEFT_PICKLE_NONE || !is_stand_in(p, class) || !is_tuple(p, args) ||
		    heft_pickle_n_items(p, args) == 0)
			break;
		v = heft_pickle_item(p, args, 0);
	}
	return v;
}

static bool has_dict(const struct heft_pickle *p, heft_pickle_ref v, const char *key)
{
	const heft_pickle_ref found = heft_pickle_get(p, v, key);

	return found != HEFT_PICKLE_NONE && heft_pickle_kind(p, found) == HEFT_PICKLE_DICT;
}

bool heft_torch_is_module(const struct heft_pickle *p, heft_pickle_ref v)
{
	heft_pickle_ref state;

	if (heft_pickle_kind(p, v) != HEFT_PICKLE_OBJECT)
		return false;
	state = heft_pickle_state(p, v);
	return state != HEFT_PICKLE_NONE && heft_pickle_kind(p, state) == HEFT_PICKLE_DICT &&
	       has_dict(p, state, "_modules") && has_dict(p, state, "_parameters") &&
	       has_dict(p, state, "_buffers");
}

bool heft_torch_is_slots(const struct heft_pickle *p, heft_pickle_ref state)
{
	enum heft_pickle_kind first;

	if (!is_tuple(p, state) || heft_pickle_n_items(p, state) != 2 ||
	    heft_pickle_kind(p, heft_pickle_item(p, state, 1)) != HEFT_PICKLE_DICT)
		return false;
	first = heft_pickle_kind(p, heft_pickle_item(p, state, 0));
	return first == HEFT_PICKLE_DICT || first == HEFT_PICKLE_NULL;
}
