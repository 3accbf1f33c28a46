#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh CASE.sh - runs one golden test of the command in an empty folder and compares exactly what it
# prints with CASE.stdout, what it complains with CASE.stderr (where there is one) and how it ends with
# CASE.exit (else 0). The case finds the command in $HEFT, the fixtures in $FIXTURES
# and the example programs in $EXAMPLES.
# UPDATE=1 writes the expected files instead; read the difference before you commit it.
set -u

case=${1%.sh}
dir=$(mktemp -d "${TMPDIR:-/tmp}/heft-cli.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/work" "$dir/home" && cd "$dir/work" || exit 99

# Nothing of the caller's surroundings reaches the command.
env -i PATH="$PATH" HOME="$dir/home" LC_ALL=C.UTF-8 HEFT="$HEFT" FIXTURES="$FIXTURES" EXAMPLES="${EXAMPLES-}" \
	ASAN_OPTIONS="${ASAN_OPTIONS-}" UBSAN_OPTIONS="${UBSAN_OPTIONS-}" \
	sh -u "$case.sh" >../stdout 2>../stderr </dev/null
status=$?

if [ "${UPDATE-}" = 1 ]; then
	cp ../stdout "$case.stdout"
	rm -f "$case.stderr" "$case.exit"
	[ ! -s ../stderr ] || cp ../stderr "$case.stderr"
	[ $status -eq 0 ] || echo $status >"$case.exit"
	exit 0
fi

bad=0
want=0
[ ! -e "$case.exit" ] || want=$(cat "$case.exit")
if [ "$status" != "$want" ]; then
	echo "exit status is $status, not $want"
	bad=1
fi
diff -u "$case.stdout" ../stdout || bad=1
if [ -e "$case.stderr" ]; then
	diff -u "$case.stderr" ../stderr || bad=1
fi
if [ $bad -ne 0 ]; then
	echo "stderr was:"
	cat ../stderr
fi
exit $bad
