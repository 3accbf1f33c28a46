/* SPDX-License-Identifier: Apache-2.0 */
/* open_options.c - how a command opens a file of a foreign format. */
#include "open_options.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* The folder for temporary files: they take as much room as the arrays that are put in order, and
 * where a file is to be written there must be room anyway. */
static char *pick_folder(const char *target)
{
	const char *folder = getenv("TMPDIR");
	size_t n = target ? strlen(target) : 0;

	if (target && strcmp(target, "-") != 0) {
		while (n > 1 && target[n - 1] == '/') /* a folder that may not be there yet */
			n--;
		while (n > 0 && target[n - 1] != '/')
			n--;
		return n > 0 ? memory_copy_text(target, n) : memory_copy_text(".", 1);
	}
	return folder && folder[0] ? memory_copy_text(folder, strlen(folder)) : NULL;
}

/* "V2=BF16"; a byte order before the type is passed over, since NumPy prints it. */
static int add_assume(struct open_options *o, const struct command *command, uint32_t i,
                      const char *text)
{
	const char *equals = strrchr(text, '=');
	const char *type = text + (text[0] != '\0' && strchr("<>|=", text[0]) != NULL);

	if (!equals || equals <= type)
		return report_usage(command, "--assume: '%s' is not TYPE=DTYPE, as in V2=BF16",
		                    text);
	o->types[i] = memory_copy_text(type, (size_t)(equals - type));
	o->assumes[i].foreign = o->types[i];
	o->assumes[i].dtype = heft_dtype_from_name(equals + 1);
	if (o->assumes[i].dtype == HEFT_DTYPE_NONE)
		return report_usage(command, "--assume: '%s' is not a dtype", equals + 1);
	o->options.n_assumes = i + 1;
	return STATUS_DONE;
}

int open_options_init(struct open_options *o, const struct command *command,
                      const struct opt_list *assume, const char *target)
{
	int status = STATUS_DONE;

	*o = (struct open_options){
		.assumes = memory_new(assume->n, sizeof *o->assumes),
		.types = memory_new(assume->n + 1, sizeof *o->types),
		.folder = pick_folder(target),
	};
	o->options.assumes = o->assumes;
	o->options.scratch_folder = o->folder;
	for (uint32_t i = 0; status == STATUS_DONE && i < assume->n; i++)
		status = add_assume(o, command, i, assume->items[i].value);
	return status;
}

void open_options_done(struct open_options *o)
{
	/* The list of types ends with NULL. */
	for (uint32_t i = 0; o->types && o->types[i]; i++)
		free(o->types[i]);
	free(o->types);
	free(o->assumes);
	free(o->folder);
}
