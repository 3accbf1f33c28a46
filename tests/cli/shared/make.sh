#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh - what several golden tests need; they source it.

# le64 NUMBER - eight bytes.
le64()
{
	number=$1
	for _ in 1 2 3 4 5 6 7 8; do
		printf '%b' "\\0$(printf %o $((number & 255)))"
		number=$((number >> 8))
	done
}

# safetensors HEADER N_BYTES - a file of that header and so many zero bytes, to standard output.
safetensors()
{
	le64 "$(printf %s "$1" | wc -c)"
	printf %s "$1"
	head -c "$2" /dev/zero
}

# try COMMAND... - runs it, its words among its data, and prints its exit status.
try()
{
	echo "\$ heft $*"
	"$HEFT" "$@" 2>&1
	echo "exit $?"
}

# damage FILE OFFSET - flips the bits of one byte.
damage()
{
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "\\0$(printf %o $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
