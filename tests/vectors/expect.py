# SPDX-License-Identifier: Apache-2.0
"""What stands in the .expect file beside a vector, made from what spec/decoder says.

    expect.py FILE.heft...      writes FILE.expect; read the difference before you commit it
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "spec" / "vectors"
sys.path.insert(0, str(ROOT / "spec" / "decoder"))

import heft_decoder  # noqa: E402

# Faults that whoever reads a tensor or the metadata meets; the others are met by verifying only.
READ_RULES = re.compile(r"R4\.1-14|R4\.3-|R4\.4-|R6\.|R7\.1-")


def stage_of(found):
    """Where a reader notices: when it opens the file, when it reads, or when it verifies."""
    if found["status"] == "refused":
        return "open"
    fault = found["faults"][0]
    meta = fault["rule"] == "R3-8" and "00000010" in fault["message"]
    return "read" if READ_RULES.match(fault["rule"]) or meta else "verify"


def expectation(path):
    """For a valid file all that is in it; for an invalid one the rule that it breaks, the status, and where."""
    found = heft_decoder.decode(path)
    if path.parent.name == "invalid":
        fault = found if found["status"] == "refused" else found["faults"][0]
        status = found["code"] if found["status"] == "refused" else fault["status"]
        return {"rule": fault["rule"], "stage": stage_of(found), "status": status}
    found["faults"] = [fault["rule"] for fault in found["faults"]]
    return found


def layout(value):
    """A key a line, and of a list an item a line, so that a difference can be read."""
    def line(item):
        return json.dumps(item, ensure_ascii=False)

    def block(item):
        if isinstance(item, list) and item:
            return "[\n" + ",\n".join("  " + line(one) for one in item) + "\n ]"
        return line(item)

    return "{\n" + ",\n".join(f" {line(key)}: {block(item)}" for key, item in value.items()) + "\n}\n"


def write(path):
    path.with_suffix(".expect").write_text(layout(expectation(path)))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write(pathlib.Path(name).resolve())
