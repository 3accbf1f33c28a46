/* SPDX-License-Identifier: Apache-2.0 */
/* version.c - tells the library's version, which meson.build states once, and its revision. */
#include "heft/version.h"

#include "base/revision.h"
#include "base/version_string.h"

const char *heft_version(void)
{
	return HEFT_VERSION;
}

const char *heft_revision(void)
{
	return HEFT_REVISION;
}
