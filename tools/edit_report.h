/* SPDX-License-Identifier: Apache-2.0 */
/* edit_report.h - what an edit did, or would do, in words on standard error. */
#ifndef TOOLS_EDIT_REPORT_H
#define TOOLS_EDIT_REPORT_H

#include "heft/edit.h"

/* "a.heft: 2 tensors renamed, 1 deleted"; of metadata alone nothing. */
void edit_report_done(const char *path, const struct heft_edit_report *r);

/* The same of a dry run, which always says something. */
void edit_report_dry(const char *path, const struct heft_edit_report *r);

/* Every edit leaves bytes behind that no generation needs; says so before they pile up. */
void edit_report_dead_bytes(const char *path);

#endif
