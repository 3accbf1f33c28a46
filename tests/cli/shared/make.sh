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

# npy TYPE ORDER SHAPE N_BYTES - an array of so many bytes, to standard output.
npy()
{
	header="{'descr': $1, 'fortran_order': $2, 'shape': $3, }"
	n=$(printf %s "$header" | wc -c)
	printf '\223NUMPY\001\000'
	printf '%b' "\\0$(printf %o $((n & 255)))\\0$(printf %o $((n >> 8)))"
	printf %s "$header"
	i=0
	while [ $i -lt "$4" ]; do
		printf '%b' "\\0$(printf %o $((i & 255)))"
		i=$((i + 1))
	done
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
