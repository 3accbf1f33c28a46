#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Help comes from the tables that the commands are parsed with.
"$HEFT" --help
for verb in inspect convert digest diff verify edit compact recover dump pack completion man; do
	echo "---"
	"$HEFT" help $verb
done
"$HEFT" convert --help >a
"$HEFT" help convert >b
"$HEFT" convert in --to nonsense -h >c
cmp a b && cmp a c
"$HEFT" -h >a
"$HEFT" help >b
cmp a b
