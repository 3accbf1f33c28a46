#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A mistake on the command line is one helpful line, and where to find help; exit status 2.
. "$(dirname "$0")/shared/make.sh"
try
try convrt a b
try --verbose
try help nonsense
try inspect
try inspect a b c
try convert a
try convert a b --dtyp=F32
try convert a b --nonsense
try convert a b -z
try convert a b --force=yes
try convert a b --align
try convert a b --align=64X
try convert a b --align=16GiB
try convert a b -j 0
try convert a b -j1025
try convert a b --dtype=F31
try convert a b --dtype-of=a
try convert a b --dtype-of=a=F31
try convert a b --rename=a
try convert a b --compress=good
try convert a b --compress best
try convert a b --to safetensor
try convert a b --to nonsense
try convert a -
try digest --tensors --artifact a
try edit a
try edit a --set b
"$HEFT" edit a --set "$(printf 'b=\377')" 2>&1
try edit a --lock-timeout=soon --unset b
try completion
try completion fish
try man nonsense
