#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names, shapes, order, dtypes and values go from every format to every other one: the digest stays.
. "$(dirname "$0")/shared/make.sh"
cat >first.text <<'EOF'
heft-text 1
tensor "z.weight" F32 [3,2]
  values 1 2 3 4 5 -0
tensor "a" F16 [4]
  hex 0038 003e 017e 00fc
tensor "step" I64 []
  values -7
tensor "none" F64 [0,5]
tensor "mask" BOOL [2,1,2]
  values 1 0 0 1
tensor "bytes" U8 [5]
  hex 00ff10807f
tensor "größe/1.b" C64 [1]
  ramp x8
EOF
"$HEFT" pack first.text first.heft
"$HEFT" convert -q first.heft first.safetensors
digest=$("$HEFT" digest first.safetensors | cut -d' ' -f1)

# station FROM TO - converts, and says whether the digest is the first one.
station()
{
	"$HEFT" convert -q -f --no-graph "$1" "$2" 2>&1 || echo "$1 to $2: exit $?"
	case $("$HEFT" digest "$2") in
	"$digest  "*) echo "$1 to $2: the digest of the first" ;;
	*) echo "$1 to $2: ANOTHER DIGEST" ;;
	esac
	"$HEFT" verify "$2" >verified || echo "$2 does not verify"
}

# order FILE - the tensors' names, in their order.
order()
{
	"$HEFT" convert -q -f --no-graph "$1" order.heft && "$HEFT" dump order.heft | grep '^tensor'
}

order first.safetensors >wanted
cat wanted
from=first.safetensors
for to in ring.onnx ring.pt ring.npz ring.heft ring.safetensors; do
	station $from $to
	order $to >found
	diff wanted found
	from=$to
done
cmp first.safetensors ring.safetensors && echo 'the ring ends with the bytes that it began with'
for from in ring.onnx ring.pt ring.npz ring.heft ring.safetensors; do
	for to in to.onnx to.pt to.npz to.heft to.safetensors folder/; do
		station $from $to
	done
done
echo '--- metadata that are texts'
"$HEFT" edit first.safetensors --set author=somebody --set 'größe=5 "m"'
from=first.safetensors
for to in text.onnx text.heft text.pt text.safetensors; do
	station $from $to
	from=$to
done
cmp first.safetensors text.safetensors && echo 'they came back'
echo '--- what does not go everywhere'
cat >rich.text <<'EOF'
heft-text 1
tensor "w" BF16 [2]
  values 1 2
tensor "tied" BF16 [2] tie="w"
tensor "optimizer_states.0.state.0.exp_avg" F32 [2] space=optimizer
  values 1 2
meta {"epoch":5,"heft.note":{"of":"bookkeeping"}}
EOF
"$HEFT" pack rich.text rich.heft
for to in no.safetensors no.onnx no.npz no.npy; do
	try convert rich.heft $to
	try convert rich.heft $to --weights-only
	try convert rich.heft $to --weights-only --no-metadata
done
try convert -q rich.heft rich.pt
try convert -q rich.pt back.heft
"$HEFT" dump back.heft
