#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# elementary.sh - the elementary functions of F32 at every one of the 2^32 inputs, beside binary64 libm,
# and 10^9 powers: half an hour of one core.
set -eu

: "${HEFT_BUILD:?names the build folder}"
"$HEFT_BUILD"/tests/bench/elementary_all
