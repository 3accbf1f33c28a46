/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_option.c - the option --cpu of the commands that compute. */
#include "cpu_option.h"

#include <strings.h>

#include "heft/run.h"

const char *const cpu_option_names[] = { "scalar", "avx2", "avx512", NULL };

int cpu_option_read(const struct command *command, const char *name, uint32_t *mask)
{
	static const uint32_t masks[] = { HEFT_RUN_SCALAR, HEFT_RUN_AVX2, HEFT_RUN_BEST };

	*mask = HEFT_RUN_BEST;
	if (!name)
		return STATUS_DONE;
	for (size_t i = 0; cpu_option_names[i]; i++) {
		if (strcasecmp(cpu_option_names[i], name) != 0)
			continue;
		*mask = masks[i];
		return STATUS_DONE;
	}
	return report_usage(command, "--cpu: '%s' is not one of scalar, avx2, avx512", name);
}
