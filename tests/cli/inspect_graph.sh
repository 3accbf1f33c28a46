#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A graph for people, in 80 columns and in as many as it needs, and for scripts; what is asked of a file without one.
. "$(dirname "$0")/shared/make.sh"

# memory - how the planner lays things out is not what these tests are of.
memory()
{
	sed 's/in [0-9.]* k*B of memory/in SIZE of memory/; s/\(_bytes": \)[0-9]*,*$/\1SIZE/'
}

cp "$FIXTURES/graph.onnx" graph.onnx
COLUMNS=80 "$HEFT" inspect --graph graph.onnx | memory
echo ---
"$HEFT" inspect --graph graph.onnx | sed -n '/^ *#/,$p' | memory
echo ---
# Operators, names of nodes, outputs and weights are held against a pattern.
COLUMNS=80 try inspect --graph graph.onnx 'Conv' | tail -6 | memory
COLUMNS=80 try inspect --graph graph.onnx 'choose*' | tail -7 | memory
COLUMNS=80 try inspect --graph graph.onnx 'head.*' | tail -7 | memory
try inspect --graph graph.onnx 'none'
try inspect --graph --json graph.onnx Clip | sed -n '/"graph":/,$p' | memory
# A heft file keeps it.
"$HEFT" convert -q graph.onnx graph.heft
"$HEFT" inspect --graph graph.onnx | sed -n '/^graph/,$p' >of-onnx
"$HEFT" inspect --graph graph.heft | sed -n '/^graph/,$p' | cmp - of-onnx && echo same
"$HEFT" inspect graph.heft | grep '^graph'
"$HEFT" inspect --json graph.heft | grep graph_size
# Roles are told by the graph where there is one.
"$HEFT" inspect graph.onnx 'features.*' | sed -n '/^name/,$p'
try inspect --graph "$FIXTURES/demo.safetensors" | sed "s|$FIXTURES/||"
try inspect --graph --tree graph.onnx
try inspect --graph --stats graph.onnx
try inspect --graph --sort size graph.onnx
# What a run would take, where the file says enough of the inputs.
cp "$FIXTURES/run.onnx" run.onnx
try inspect --graph --batch 4 run.onnx '*M*' | sed -n '/^ *#/,$p' | memory
COLUMNS=80 try inspect --graph run.onnx 'G*' | tail -5 | memory
try inspect --graph --json run.onnx Gemm | grep -o '"cost".*\|"n_multiply_adds".*' | memory
try inspect --graph --size N run.onnx
try inspect --batch 4 run.onnx
