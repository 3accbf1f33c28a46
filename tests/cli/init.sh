#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First values and new heads: the same on every machine, told, and refused where they would be wrong.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/run.onnx" run.onnx

# The version of heft is not what is tested.
versionless()
{
	sed 's/by heft [0-9.]*\( ([0-9a-f]*)\)\{0,1\},/by heft V,/'
}
try init --seed 7 run.onnx fresh.heft
try init --seed 7 run.onnx fresh.heft
try init -f --seed 8 run.onnx fresh.onnx
try init -q --init xavier --keep 'conv.*' run.onnx kept.heft
try log kept.heft | versionless
try diff run.onnx kept.heft
try init --init zero run.onnx zero.heft
try init -q --init normal:0.02 --only fc.weight run.onnx normal.heft
try log normal.heft | versionless
try init --head 3 run.onnx three.onnx
try init --only 'nothing*' run.onnx out.heft
try init --keep '*' run.onnx out.heft
try init run.onnx out.xyz
"$HEFT" convert -q --no-graph run.onnx plain.heft
try init plain.heft out.heft
try init --init strange run.onnx out.heft
try init --init normal:0 run.onnx out.heft
try init --seed -1 run.onnx out.heft
try init --head 0 run.onnx out.heft
try init --head 3 --keep a run.onnx out.heft
try init --head 3 --init normal:1 run.onnx out.heft
try init nofile out.heft
ls
