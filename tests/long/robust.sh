#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# robust.sh - the tests of tests/robust/ with ten times as many rounds and more.
set -eu

: "${HEFT_BUILD:?names the build folder}"
for test in "$HEFT_BUILD"/tests/robust/test_*; do
	if [ -f "$test" ] && [ -x "$test" ]; then
		HEFT_LONG=1 "$test"
	fi
done
