#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Weights go into a model: by name, by shape, transposed where that is allowed; the graph stays as it is.
. "$(dirname "$0")/shared/make.sh"
# y = x @ fc + bias, and a number that nothing uses.
cat >model.text <<'EOF'
heft-text 1
tensor "fc" F32 [3,2]
  values 0 0 0 0 0 0
tensor "bias" F32 [2]
  values 0 0
tensor "eps" F32 []
  values 0.5
section GRAPH
# ir_version, graph: node, then initializers "fc", "bias", "eps" without their bytes
  hex 08083a3f0a160a01780a0266630a0462696173120179220447656d6d
  hex 2a0c080308021001420266634a002a0c080210014204626961734a002a09100142036570734a00
EOF
cat >w.text <<'EOF'
heft-text 1
tensor "linear.weight" F32 [2,3]
  values 1 2 3 4 5 6
tensor "linear.bias" F32 [2]
  values 7 8
tensor "steps" I64 []
  values 9
EOF
"$HEFT" pack model.text model.heft && "$HEFT" pack w.text w.heft
try convert -q model.heft model.onnx
try convert -q model.onnx back.heft
try convert -q back.heft back.onnx
cmp model.onnx back.onnx && echo 'the model comes back byte for byte'
echo '--- into it'
try convert w.heft --into model.onnx tuned.onnx
try convert w.heft --into model.onnx tuned.onnx --allow-transpose
try convert w.heft --into model.onnx tuned.onnx --allow-transpose -q -f --include 'linear.*' \
	--rename 'linear.weight=fc' --rename 'linear.bias=bias'
"$HEFT" convert -q tuned.onnx tuned.heft && "$HEFT" dump tuned.heft
try convert -q -f w.heft --into model.heft tuned.heft --allow-transpose
try convert -q tuned.heft again.onnx
cmp tuned.onnx again.onnx && echo 'a heft file with a graph is as good a model'
echo '--- what does not fit'
printf 'heft-text 1\ntensor "a" F32 [2]\nvalues 1 2\nsection GRAPH\ntext "none"\n' >damaged.text
"$HEFT" pack damaged.text damaged.heft
try convert w.heft --into model.onnx no.onnx --rename 'linear.weight=fc' --dtype F16
try convert w.heft --into model.onnx no.onnx --rename 'linear.weight=bias'
try convert w.heft --into model.onnx no.onnx --include 'linear.weight' --allow-transpose
try convert w.heft --into model.onnx no.onnx --include 'linear.weight' --allow-transpose --keep bias -q
try convert w.heft --into model.onnx no.onnx -f --keep nothing
try convert w.heft --into no-model.onnx no.onnx -f
try convert w.heft --into damaged.heft no.onnx -f
try convert w.heft no.heft --allow-transpose
echo '--- a graph needs its tensors'
try convert model.onnx no.heft --rename 'fc=weight'
try convert model.onnx no.heft --dtype F16
try convert -q model.onnx no.heft --dtype F16 --no-graph
try convert -q model.onnx model.safetensors
try convert -q model.onnx model.npz --no-graph
try convert --external -q model.onnx model-2.safetensors
try edit model.heft --rename eps=epsilon
try edit model.onnx --rename eps=epsilon
try edit model.onnx --set author=somebody
"$HEFT" convert -q model.onnx edited.heft && "$HEFT" dump edited.heft | grep -A1 -e meta -e section
