#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nobody reads on: quiet. No room: said. Either way exit status 4.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
header='{'
i=0
while [ $i -lt 2000 ]; do
	header="$header\"tensor.$i\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
	i=$((i + 1))
done
safetensors "${header%,}}" 0 >many.safetensors
exec 3>&1
{
	"$HEFT" inspect many.safetensors 2>&3
	echo "exit $?" >&3
} | sleep 0.3
"$HEFT" inspect demo.safetensors >/dev/full 2>words
echo "exit $?"
cat words
"$HEFT" convert demo.safetensors - --to safetensors >/dev/full 2>words
echo "exit $?"
cat words
"$HEFT" inspect demo.safetensors >&- 2>words
echo "exit $?"
cat words
