#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who waits for a file's lock gives up when the time is over, and at Ctrl-C at once.
. "$(dirname "$0")/shared/make.sh"
cp "$FIXTURES/demo.safetensors" demo.safetensors
"$HEFT" convert -q demo.safetensors demo.heft
sum=$(cksum demo.heft)
# As a writer holds it: an OFD lock on the whole file.
mkfifo end
python3 -c '
import fcntl, struct
file = open("demo.heft", "r+b")
fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
open("ready", "w").close()
open("end").read()
' &
while [ ! -e ready ]; do sleep 0.05; done
try edit demo.heft --set a=b --lock-timeout 0.3
try compact demo.heft --lock-timeout 0.1
try recover demo.heft --lock-timeout 0
timeout --preserve-status -s INT 0.3 "$HEFT" edit demo.heft --set a=b
echo "exit $?"
: >end
wait
test "$sum" = "$(cksum demo.heft)" && echo same
