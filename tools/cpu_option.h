/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_option.h - the option --cpu of the commands that compute. */
#ifndef TOOLS_CPU_OPTION_H
#define TOOLS_CPU_OPTION_H

#include "command.h"

/* A row for `const char *cpu` in options. */
#define OPT_ROW_CPU                                                                       \
	{                                                                                 \
		.name = "cpu", .arg = "scalar|avx2|avx512", .kind = OPT_TEXT,             \
		.at = offsetof(struct options, cpu), .choices = cpu_option_names,         \
		.help = "use no better instructions than these; the results are the same" \
	}

extern const char *const cpu_option_names[];

/* enum heft_run_cpu of a name; NULL: the best. Reports another one; an exit status. */
int cpu_option_read(const struct command *command, const char *name, uint32_t *mask);

#endif
