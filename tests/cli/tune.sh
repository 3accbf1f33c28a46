#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Training: the same bits whatever computes them and however often it is interrupted, told in tables, JSON and
# the lineage; and refused before the first step where it would be wrong.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/digits.onnx" "$FIXTURES/digits.npz" .

# Times and the version of heft are not what is tested.
timeless()
{
	sed 's/by heft [0-9.]*\( ([0-9a-f]*)\)\{0,1\},/by heft V,/; s/ [0-9]*:[0-9][0-9]\( \*\)\{0,1\}$/ TIME\1/; s/"samples_per_s": [0-9.e+]*/"samples_per_s": N/; s/"artifact_digest": "[0-9a-f]*"/"artifact_digest": "A"/'
}
tune() { try tune digits.onnx --data digits.npz --no-sync "$@"; }

tune --split 0.2 --epochs 3 -o first.heft 2>&1 | timeless
try log first.heft | timeless
"$HEFT" verify first.heft >verified && tail -n 1 verified
for how in "-j 1 --cpu scalar" "-j 3 --cpu avx2"; do
	# shellcheck disable=SC2086 # words of options
	"$HEFT" tune digits.onnx --data digits.npz --split 0.2 --epochs 3 -q $how -o again.heft -f && cmp first.heft again.heft && echo "the same bits: $how"
done

# Stopped behind its first checkpoint, and gone on from there. (A script's background jobs ignore SIGINT.)
# with=exec: the process that is begun in the background is the command itself.
long() { $with "$HEFT" tune digits.onnx --data digits.npz --no-sync -q --optimizer sgd --momentum 0.9 --epochs 40 --split 0.2 --checkpoint-every '20 steps' "$@" 2>/dev/null; }
with=
long -o whole.heft
(with=exec && long -o cut.heft) &
while [ ! -e cut.heft.ckpt ] && kill -0 $! 2>/dev/null; do sleep 0.02; done
kill -TERM $! 2>/dev/null
wait $!
status=$?
case $status in
0 | 143) ;;
*) echo "stopped: exit $status" ;;
esac
if [ $status -eq 143 ]; then
	long -o cut.heft --resume cut.heft.ckpt
fi
cmp whole.heft cut.heft && echo "the same bits, resumed"

tune --head 10 --freeze 'conv*' --group 'fc1.*:lr=1e-4' --epochs 2 -q -o head.heft
try log head.heft | timeless | sed -n 3,30p
tune --epochs 2 --json -q -o json.heft | timeless
tune --dry-run --batch 64 --freeze 'conv1.*'
tune --epochs 1 -q -o tuned.onnx
"$HEFT" inspect tuned.onnx | head -n 4
"$HEFT" tune --print-config --optimizer sgd --lr 0.1 >recipe.json
tune --config recipe.json --epochs 1 -q -o config.heft
try log config.heft | grep optimizer

# Mistakes.
tune
tune -o first.heft
tune -o nofolder/out.heft
tune --lr abc -o out.heft
tune --optimiser sgd -o out.heft
tune --freeze 'nothing*' -o out.heft
tune --momentum 0.9 -o out.heft
tune --target z -o out.heft
tune --input nothing=x -o out.heft
tune --resume first.heft -o out.heft
tune --optimizer sgd --lr 1e30 -q -o out.heft
try tune nofile --data digits.npz -o out.heft
try tune digits.onnx --data nofile -o out.heft
try tune digits.onnx --data digits.onnx -o out.heft
ls
