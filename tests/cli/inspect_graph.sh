#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A graph for people, in 80 columns and in as many as it needs, and for scripts; what is asked of a file without one.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/graph.onnx" graph.onnx
COLUMNS=80 "$HEFT" inspect --graph graph.onnx
echo ---
"$HEFT" inspect --graph graph.onnx | sed -n '/^ *#/,$p'
echo ---
# Operators, names of nodes, outputs and weights are held against a pattern.
COLUMNS=80 try inspect --graph graph.onnx 'Conv' | tail -4
COLUMNS=80 try inspect --graph graph.onnx 'choose*' | tail -5
COLUMNS=80 try inspect --graph graph.onnx 'head.*' | tail -5
try inspect --graph graph.onnx 'none'
try inspect --graph --json graph.onnx Clip | sed -n '/"graph":/,$p'
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
