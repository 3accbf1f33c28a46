/* SPDX-License-Identifier: Apache-2.0 */
/* torch_keys.c - the keys of a checkpoint's root that have a meaning. */
#include "format/torch_keys.h"

#include <string.h>

#include "heft/tensor.h"

struct key_space {
	const char *key;
	uint8_t space;
};

static const struct key_space key_spaces[] = {
	{ "optimizer", HEFT_SPACE_OPTIMIZER },
	{ "optimizer_state", HEFT_SPACE_OPTIMIZER },
	{ "optimizer_state_dict", HEFT_SPACE_OPTIMIZER },
	{ "optimizer_states", HEFT_SPACE_OPTIMIZER },
	{ "optimizers", HEFT_SPACE_OPTIMIZER },
	{ "lr_scheduler", HEFT_SPACE_OPTIMIZER },
	{ "lr_schedulers", HEFT_SPACE_OPTIMIZER },
	{ "scheduler", HEFT_SPACE_OPTIMIZER },
	{ "scheduler_state_dict", HEFT_SPACE_OPTIMIZER },
	{ "callbacks", HEFT_SPACE_STATE },
	{ "loops", HEFT_SPACE_STATE },
	{ "hyper_parameters", HEFT_SPACE_STATE },
	{ "datamodule_hyper_parameters", HEFT_SPACE_STATE },
	{ "rng_state", HEFT_SPACE_STATE },
	{ "rng_states", HEFT_SPACE_STATE },
	{ "scaler", HEFT_SPACE_STATE },
	{ "scaler_state_dict", HEFT_SPACE_STATE },
	{ "native_amp_scaling_state", HEFT_SPACE_STATE },
};

static const char *const wrappers[] = {
	"state_dict", "model_state_dict", "model", "module", "weights",
};

static bool equals(const char *literal, const char *key, size_t key_size)
{
	return strlen(literal) == key_size && memcmp(literal, key, key_size) == 0;
}

uint8_t heft_torch_space_of_key(const char *key, size_t key_size)
{
	for (size_t i = 0; i < sizeof key_spaces / sizeof *key_spaces; i++) {
		if (equals(key_spaces[i].key, key, key_size))
			return key_spaces[i].space;
	}
	return HEFT_SPACE_WEIGHTS;
}

bool heft_torch_is_wrapper(const char *key, size_t key_size)
{
	for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
		if (equals(wrappers[i], key, key_size))
			return true;
	}
	return false;
}
