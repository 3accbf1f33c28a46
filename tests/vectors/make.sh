#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh [VECTOR.text...] - writes the .heft and .expect files of spec/vectors again, from their .text files:
# all of them, or those named. It needs the command in $HEFT and, in $PYTHON, a Python with the package
# zstandard. What it writes is compared with the library by test_vectors.py; read the difference.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here"/../../spec/vectors/valid/*.text "$here"/../../spec/vectors/invalid/*.text
for text; do
	"${HEFT:?the command}" pack -f "$text" "${text%.text}.heft"
done
for text; do
	printf '%s\0' "${text%.text}.heft"
done | xargs -0 "${PYTHON:-python3}" "$here/expect.py"
