/* SPDX-License-Identifier: Apache-2.0 */
/* headed.c - gives a model the head that a recipe asks for, in a file without a name. */
#include "artifact/headed.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/target.h"
#include "heft/tuned.h"

#define NAME_SIZE_MAX 255

/* A name beside `beside` that nothing has, for heft_free. */
static char *temporary(const char *beside)
{
	const char *slash = strrchr(beside, '/');
	const size_t n_folder = slash ? (size_t)(slash - beside) + 1 : 0;
	char *name = heft_temp_name(beside + n_folder, NAME_SIZE_MAX, 0);
	const size_t size = name ? n_folder + strlen(name) + 1 : 0;
	char *made = name ? heft_alloc(size) : NULL;

	if (made) {
		memcpy(made, beside, n_folder);
		memcpy(made + n_folder, name, size - n_folder);
	}
	heft_free(name);
	return made;
}

enum heft_status heft_headed_open(struct heft_file *model, const char *beside,
                                  const struct heft_recipe *recipe, const struct heft_run *run,
                                  struct heft_file **headed, struct heft_error *err)
{
	static const enum heft_first_values firsts[] = {
		[HEFT_HEAD_HE] = HEFT_FIRST_HE,
		[HEFT_HEAD_XAVIER] = HEFT_FIRST_XAVIER,
		[HEFT_HEAD_ZERO] = HEFT_FIRST_ZERO,
	};
	const struct heft_head_options options = {
		.n_classes = recipe->head,
		.first = firsts[recipe->head_init],
		.seed = recipe->seed,
		.target = { .format = "heft", .write = { .no_sync = true }, .run = *run },
	};
	char *path = temporary(beside);
	enum heft_status st;

	if (!path)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	st = heft_head_write(model, path, &options, NULL, err);
	if (st == HEFT_OK) {
		st = heft_open(path, NULL, headed, err);
		remove(path);
	}
	heft_free(path);
	return st;
}
