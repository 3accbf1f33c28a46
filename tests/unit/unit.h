/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit.h - runs one Check suite and reports it in TAP, which meson counts test by test.
 *
 *	int main(void)
 *	{
 *		return heft_unit_run(cursor_suite());
 *	}
 *
 * CK_FORK=no (set under sanitizers and valgrind) keeps all tests of the file in one process.
 */
#ifndef HEFT_UNIT_H
#define HEFT_UNIT_H

#include <check.h>

/* Takes the suite. Nothing but TAP may reach stdout, so Check itself is silent. */
static inline int heft_unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int n_failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? 0 : 1;
}

#endif
