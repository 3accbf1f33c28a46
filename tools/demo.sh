#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo.sh - a guided tour: installs what is missing, builds heft into build/, and shows with a small model
# what it does. Everything that is printed behind a `$` is the real command's output.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

sh tools/setup.sh build

[ -f build/build.ninja ] || {
	echo "configuring build/ ..."
	meson setup build -Dtests=disabled >/dev/null
}
echo "building heft in build/ ..."
if ! log=$(ninja -C build 2>&1); then
	printf '%s\n' "$log"
	exit 1
fi

PATH=$root/build/tools:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/heft-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cp fixtures/demo.safetensors "$work/"
cd "$work"

say() { printf '\n# %s\n' "$*"; }

# run COMMAND... - shows it and what it prints; its failure ends the tour.
run()
{
	printf '$'
	for word; do
		case $word in
		*[!A-Za-z0-9_./=+-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	"$@"
}

wrong()
{
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# digest FILE - the 64 digits alone.
digest() { heft digest "$1" | cut -c 1-64; }

say "What is in this file?"
run heft inspect demo.safetensors

say "Into heft's own format, where every tensor has its digest. Reading it needs no parsing and no copy."
run heft convert demo.safetensors demo.heft
run heft verify demo.heft

say "Smaller, without losing a bit: each chunk is a zstd frame of its own."
run heft convert demo.safetensors small.heft --compress=best
run ls -l demo.heft small.heft

say "One model has one digest, whatever the file it is in."
run heft digest demo.safetensors demo.heft small.heft
[ "$(digest demo.safetensors)" = "$(digest demo.heft)" ] || wrong "the digests differ"
[ "$(digest demo.safetensors)" = "$(digest small.heft)" ] || wrong "the digests differ"

say "One bit of a copy is flipped, in the middle of the weights. verify says where, and exits with 1."
cp demo.heft damaged.heft
at=20000
old=$(od -An -tu1 -j $at -N 1 damaged.heft | tr -d ' ')
printf '%b' "\\0$(printf %o $((old ^ 1)))" | dd of=damaged.heft bs=1 seek=$at conv=notrunc 2>/dev/null
printf '$ heft verify damaged.heft\n'
status=0
heft verify damaged.heft || status=$?
printf '(exit status %d)\n' $status
[ $status -eq 1 ] || wrong "the damage was not caught"

say "Metadata changes in place, safe against a crash; the weights stay the same ones."
run heft edit demo.heft --set 'note=looked at today'
run heft verify demo.heft
[ "$(digest demo.safetensors)" = "$(digest demo.heft)" ] || wrong "the digests differ"

say "Back to safetensors: the same digest and, from a file that was not edited, the same bytes."
run heft convert small.heft back.safetensors
run heft digest demo.safetensors back.safetensors
run cmp demo.safetensors back.safetensors
echo "(no difference)"

say "Half the size: every floating tensor as BF16, rounded to nearest even."
run heft convert demo.safetensors half.safetensors --dtype BF16
run heft inspect half.safetensors 'encoder.*.weight'

cp "$root/fixtures/digits.onnx" "$root/fixtures/digits.npz" .
say "Training: a network that has learned nothing, 1,797 images of digits, and a file that tells what it was made from."
run heft tune digits.onnx --data digits.npz --split 0.2 --optimizer adam --lr 3e-3 --epochs 6 -o digits.heft
run heft eval digits.heft --data digits.npz
run heft log digits.heft

say "Anybody can train it again, with any number of threads on any CPU, and must arrive at the same bits."
run heft verify digits.heft --replay --base digits.onnx --data digits.npz -j 1

printf '\nThe command is build/tools/heft; `build/tools/heft --help` says everything.\n'
