#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ONNX models: which tensors they hold and what these are called, data in a file beside, what is refused.
. "$(dirname "$0")/shared/make.sh"
mkdir models
cp "$FIXTURES"/valid/onnx-* models
for name in qualified-names constants sparse training same-names; do
	try inspect models/onnx-$name.onnx
done
"$HEFT" inspect --json models/onnx-metadata.onnx | grep metadata
echo '--- data in a file beside'
cd models || exit 1
try inspect onnx-external.onnx
try verify onnx-external.onnx
damage onnx-external.data 0
try digest onnx-external.onnx
try verify onnx-external.onnx
mv onnx-external.data elsewhere
try inspect onnx-external.onnx
ln -s elsewhere onnx-external.data
try inspect onnx-external.onnx
rm onnx-external.data
ln elsewhere onnx-external.data
try inspect onnx-external.onnx
rm onnx-external.data
mkdir onnx-external.data
try inspect onnx-external.onnx
rmdir onnx-external.data
: >onnx-external.data
try inspect onnx-external.onnx
echo '--- what is refused'
cd "$FIXTURES/invalid" || exit 1
for file in onnx-*.onnx; do
	"$HEFT" digest "$file" 2>&1
	[ $? -eq 3 ] || echo "$file: not exit 3"
done
exit 0
