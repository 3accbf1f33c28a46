#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A heft file as text, and back.
. "$(dirname "$0")/shared/make.sh"
safetensors '{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' 8 >s.safetensors
"$HEFT" convert -q s.safetensors s.heft
"$HEFT" dump s.heft >s.text
cat s.text
try pack s.text t.heft
cmp s.heft t.heft && echo same
try pack s.text t.heft
try pack -f s.text t.heft
"$HEFT" dump s.heft | "$HEFT" pack - u.heft && cmp s.heft u.heft && echo same
try dump -o v.text s.heft
cmp s.text v.text && echo same
try dump -o v.text s.heft
try dump -o v.text -f s.heft
try dump s.safetensors
sed '3s/.*/nonsense/' s.text >bad.text
try pack bad.text w.heft
try pack nofile w.heft
ls -A
