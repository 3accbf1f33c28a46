#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The version names what the command writes as well.
"$HEFT" --version | sed 's/^heft [0-9]*\.[0-9]*\.[0-9]*$/heft X.Y.Z/'
