#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ONNX models are written: without a graph and with one, their bytes inside or in a file beside.
. "$(dirname "$0")/shared/make.sh"
cat >w.text <<'EOT'
heft-text 1
meta {"author":"somebody","heft.class":["left out"]}
tensor "w" F32 [300]
  fill 3f x1200
tensor "b" F16 [2]
  values 0.5 1
tensor "block" U8 [2048]
  fill 07 x2048
EOT
"$HEFT" pack w.text w.heft
echo '--- without a graph'
try convert -q w.heft w.onnx
try inspect w.onnx
try convert -q w.heft w.onnx
try convert w.heft - --to onnx
echo '--- in a file beside'
try convert --external w.heft e.onnx
ls
od -An -tx1 -j 4096 -N 4 e.onnx.data
try diff w.onnx e.onnx
try convert -q --external w.heft e.onnx
try convert -q -f --external e.onnx e.onnx
try diff w.onnx e.onnx
rm e.onnx
try convert -q --external w.heft e.onnx
try convert -q -f --external w.heft e.onnx
try diff w.onnx e.onnx
ls
echo '--- with a graph'
cp "$FIXTURES/valid/by-onnx-subgraphs.onnx" g.onnx
try convert -q g.onnx g.heft
try convert -q g.heft back.onnx
cmp g.onnx back.onnx && echo 'it comes back byte for byte'
try convert -q --external g.heft g2.onnx
try diff g.onnx g2.onnx
try convert -q --no-graph g.heft plain.onnx
try diff g.onnx plain.onnx
try edit -q g.heft --set author=somebody
try convert -q -f g.heft back.onnx
tail -c 20 back.onnx | od -An -c
echo '--- what it cannot hold'
try edit -q w.heft --set-json steps=12
try convert -q w.heft no.onnx
try convert -q w.heft yes.onnx --no-metadata
printf 'heft-text 1\ntensor "q" 0x102 [32]\nfill 00 x18\n' >q.text && "$HEFT" pack q.text q.heft
try convert -q q.heft no.onnx
printf 'heft-text 1\ntensor "m" F32 [1] space=optimizer\nvalues 1\n' >m.text && "$HEFT" pack m.text m.heft
try convert -q m.heft no.onnx
ls no* 2>/dev/null
exit 0
