#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# elementary.sh - the elementary functions of F32 at every one of the 2^32 inputs, beside binary64 libm,
# and 10^9 powers: half an hour of one core, so a process for each function and as many at a time as there
# are cores. xargs ends with another status than 0 if one of them did.
set -eu

: "${HEFT_BUILD:?names the build folder}"
all=$HEFT_BUILD/tests/bench/elementary_all
names=$("$all" list)
echo "$names" | xargs -n 1 -P "$(nproc)" "$all"
