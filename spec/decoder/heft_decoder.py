#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second reader of heft files, written from spec/container.md, spec/digest.md and spec/ids.md alone.

    heft_decoder.py FILE              checks every rule and prints what is in the file, as JSON
    heft_decoder.py FILE --data NAME  writes the logical bytes of a tensor to standard output

It needs Python 3.9 and the package `zstandard`, shares no code with the library, and is written to be read beside the
spec: the sections stand in the same order, and every check names its rule. A rule that refuses raises Refused; one that
is a fault is added to the list of faults.
"""
import argparse
import hashlib
import json
import math
import mmap
import os
import re
import struct
import sys

import zstandard

# --- spec/ids.md --------------------------------------------------------------------------------------------------

# number: (name, elements, bytes, bits of an element); `bytes` is the unit
DTYPES = {
    0x01: ("BOOL", 1, 1, 8), 0x02: ("U8", 1, 1, 8), 0x03: ("I8", 1, 1, 8), 0x04: ("U16", 1, 2, 16),
    0x05: ("I16", 1, 2, 16), 0x06: ("U32", 1, 4, 32), 0x07: ("I32", 1, 4, 32), 0x08: ("U64", 1, 8, 64),
    0x09: ("I64", 1, 8, 64), 0x10: ("F16", 1, 2, 16), 0x11: ("BF16", 1, 2, 16), 0x12: ("F32", 1, 4, 32),
    0x13: ("F64", 1, 8, 64), 0x18: ("C64", 1, 8, 64), 0x19: ("C128", 1, 16, 128), 0x20: ("F8_E4M3", 1, 1, 8),
    0x21: ("F8_E5M2", 1, 1, 8), 0x22: ("F8_E4M3FNUZ", 1, 1, 8), 0x23: ("F8_E5M2FNUZ", 1, 1, 8),
    0x24: ("F8_E8M0", 1, 1, 8), 0x28: ("F6_E2M3", 4, 3, 6), 0x29: ("F6_E3M2", 4, 3, 6), 0x2A: ("F4", 2, 1, 4),
    0x30: ("U4", 2, 1, 4), 0x31: ("I4", 2, 1, 4), 0x32: ("U2", 4, 1, 2), 0x33: ("I2", 4, 1, 2),
}
BLOCK_TYPES = """Q4_0 2 32 18; Q4_1 3 32 20; Q5_0 6 32 22; Q5_1 7 32 24; Q8_0 8 32 34; Q8_1 9 32 36; Q2_K 10 256 84;
Q3_K 11 256 110; Q4_K 12 256 144; Q5_K 13 256 176; Q6_K 14 256 210; Q8_K 15 256 292; IQ2_XXS 16 256 66;
IQ2_XS 17 256 74; IQ3_XXS 18 256 98; IQ1_S 19 256 50; IQ4_NL 20 32 18; IQ3_S 21 256 110; IQ2_S 22 256 82;
IQ4_XS 23 256 136; IQ1_M 29 256 56; TQ1_0 34 256 54; TQ2_0 35 256 66; MXFP4 39 32 17; NVFP4 40 64 36; Q1_0 41 128 18;
Q2_0 42 64 18"""
for row in BLOCK_TYPES.split(";"):
    name, number, elements, size = row.split()
    DTYPES[0x100 + int(number)] = (name, int(elements), int(size), None)
REFUSED_DTYPES = {0} | {0x100 + n for n in (0, 1, 4, 5, *range(24, 29), *range(30, 34), *range(36, 39))}

# Known by name, of any size: the unit is the row's.
ANY_SIZE = {0x40: "STR", 0x41: "UCS4", 0x42: "VOID"}

SPACES = ("weights", "optimizer", "state")
CRITICAL, LAYOUT = 1 << 31, 1 << 30
TENSORS, DIMS, STRINGS, ORDER, LEAVES, EXTENTS = range(0xC0000001, 0xC0000007)
TABLES = (TENSORS, DIMS, STRINGS, ORDER, LEAVES, EXTENTS)
META, ORIGIN = 0x10, 0x20000014
RAW, ZERO, ZSTD = range(3)

DATA_START = 8192
BIG = 1 << 63


class Refused(Exception):
    """The file does not open."""

    def __init__(self, rule, message, status="corrupt"):
        super().__init__(message)
        self.rule, self.message, self.status = rule, message, status


class Fault(Exception):
    """A piece of the file cannot be read, or is not what the file states."""

    def __init__(self, rule, message, status="corrupt"):
        super().__init__(message)
        self.rule, self.message, self.status = rule, message, status


def refuse_unless(holds, rule, message, status="corrupt"):
    if not holds:
        raise Refused(rule, message, status)


def fault_unless(holds, rule, message, status="corrupt"):
    if not holds:
        raise Fault(rule, message, status)


# --- spec/digest.md -----------------------------------------------------------------------------------------------

def H(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update(part)
    return h.digest()


def u8(v):
    return struct.pack("<B", v)


def u16(v):
    return struct.pack("<H", v)


def u32(v):
    return struct.pack("<I", v)


def u64(v):
    return struct.pack("<Q", v)


def tree(leaves, node):
    """D1-3. Pairs are joined level by level and an odd one passes up, which splits at the largest power of two."""
    if not leaves:
        return H(b"\x00" if node == b"\x01" else b"\x04")
    level = list(leaves)
    while len(level) > 1:
        joined = [H(node, level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = joined + level[len(level) - len(level) % 2:]
    return level[0]


def tensor_digest(row):
    return H(b"\x02", u16(row.dtype), u8(len(row.dims)), *[u64(d) for d in row.dims], u64(row.n_bytes), row.root)


def weights_digest(rows):
    """Rows stand sorted by space and name already."""
    return tree([H(b"\x03", u32(len(row.name)), row.name, tensor_digest(row)) for row in rows if row.space == 0],
                b"\x04")


def list_digest(rows, order):
    parts = [b"\x07", u64(len(order))]
    for i in order:
        row = rows[i]
        parts += [u8(row.space), u32(row.tie), u32(len(row.name)), row.name, tensor_digest(row)]
    return H(*parts)


def section_digest(type_, plain):
    return H(b"\x06", u32(type_), plain)


def artifact_digest(rows, order, sections):
    content = [s for s in sections if not s.type & LAYOUT]
    parts = [b"\x05", u16(1), weights_digest(rows), list_digest(rows, order), u32(len(content))]
    for s in content:
        parts += [u32(s.type), u64(s.size), s.digest]
    return H(*parts)


def crc32c(data, table=[]):
    if not table:
        for n in range(256):
            for _ in range(8):
                n = n >> 1 ^ 0x82F63B78 * (n & 1)
            table.append(n)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def align(x, a):
    return -(-x // a) * a


# --- 2 Slot pages -------------------------------------------------------------------------------------------------

MAGIC = b"\x89HEFT\r\n\x1a\n"


class Page:
    """One slot page: `kind` is empty, valid or bad; a bad one knows which rule it breaks."""

    def __init__(self, data, number):
        page = data[number * 4096:number * 4096 + 4096]
        self.rule, self.kind, self.has_magic = None, "bad", page[:9] == MAGIC
        if page == bytes(4096):
            self.kind = "empty"
            return
        if len(page) < 4096 or not self.has_magic:
            self.rule = "R2.2-2" if self.has_magic or len(page) < 9 else "R2.1-1"
            return
        self.major, self.minor, log2, zero, self.generation, self.dir_off, self.dir_size = struct.unpack(
            "<HHBBQQQ", page[10:40])
        self.dir_digest = page[40:72]
        if page[9] != number:
            self.rule = "R2.1-2"
        elif page[72:104] != H(b"\x09", page[:72]):
            self.rule = "R2.1-3"
        elif self.major != 1:
            raise Refused("R2.1-6", f"major version {self.major}", "unsupported")
        elif self.generation < 1 or (self.generation - 1) % 2 != number:
            self.rule = "R2.1-4"
        elif not 6 <= log2 <= 21 or zero != 0 or any(page[104:]):
            self.rule = "R2.1-5"
        else:
            self.kind, self.alignment = "valid", 1 << log2

    @property
    def end(self):
        return self.dir_off + self.dir_size


def choose_page(data):
    """The current page, and the other one."""
    pages = [Page(data, 0), Page(data, 1)]
    refuse_unless(pages[0].has_magic or pages[1].has_magic, "R2.2-1", "not a heft file", "not_format")
    valid = [p for p in pages if p.kind == "valid"]
    refuse_unless(valid, next((p.rule for p in pages if p.rule), "R2.2-2"), "no page is valid")
    current = max(valid, key=lambda p: p.generation)
    return current, pages[1 - pages.index(current)]


# --- 3 The directory ----------------------------------------------------------------------------------------------

class Section:
    def __init__(self, row):
        self.type, self.crc, self.off, self.stored_size, self.size = struct.unpack("<IIQQQ", row[:32])
        self.digest = row[32:]


def read_directory(data, page):
    refuse_unless(page.dir_off % 8 == 0 and page.dir_off >= DATA_START and page.end <= len(data), "R3-1",
                  "the directory does not lie within the file")
    raw = data[page.dir_off:page.end]
    refuse_unless(H(b"\x08", raw) == page.dir_digest, "R3-2", "the directory does not match its digest")
    refuse_unless(len(raw) >= 8, "R3-3", "the directory is cut short")
    count, zero = struct.unpack("<II", raw[:8])
    refuse_unless(count <= 1024 and len(raw) == 8 + 64 * count and zero == 0, "R3-3", "the directory's head is wrong")
    sections = [Section(raw[at:at + 64]) for at in range(8, len(raw), 64)]
    last = -1
    for s in sections:
        refuse_unless(s.type > last and s.type & 0x1FFFFFFF, "R3-4", f"section type {s.type:08X}")
        last = s.type
        refuse_unless(s.off % 8 == 0 and s.off >= DATA_START and s.off + s.stored_size <= page.dir_off, "R3-5",
                      f"section {s.type:08X} does not lie before the directory")
        refuse_unless(1 <= s.stored_size <= s.size, "R3-6", f"section {s.type:08X} has wrong sizes")
        refuse_unless(not s.type & CRITICAL or s.type in TABLES, "R3-7", f"critical section {s.type:08X}",
                      "unsupported")
        refuse_unless(s.type not in TABLES or s.stored_size == s.size, "R3-6", f"table {s.type:08X} is compressed")
    return sections


def read_section(data, s):
    """The plain bytes of a section."""
    stored = data[s.off:s.off + s.stored_size]
    fault_unless(crc32c(stored) == s.crc, "R3-8", f"section {s.type:08X} does not match its CRC")
    plain = stored if s.stored_size == s.size else decode_frame(stored, s.size)
    fault_unless(section_digest(s.type, plain) == s.digest, "R3-8", f"section {s.type:08X} does not match its digest")
    return plain


# --- 4 Tables -----------------------------------------------------------------------------------------------------

class Row:
    """A row of TENSORS."""

    def __init__(self, raw):
        (self.name_end, self.dims_end, self.dtype, self.space, self.flags, self.tie, self.n_bytes, self.first_leaf,
         self.place) = struct.unpack("<IIHBBIQQQ", raw[:40])
        self.root = raw[40:72]
        self.base, self.unit = struct.unpack("<II", raw[72:])
        self.run = None

    @property
    def coded(self):
        return bool(self.flags & 1)

    @property
    def chunk_size(self):
        return (1 << 20) - (1 << 20) % self.unit

    @property
    def n_chunks(self):
        return -(-self.n_bytes // self.chunk_size)

    def same_run(self, other):
        return all(getattr(self, field) == getattr(other, field) for field in (
            "first_leaf", "place", "flags", "dtype", "dims", "n_bytes", "root", "base", "unit"))


class Generation:
    """What one page names: its sections and its tables, checked as far as a reader must before it opens the file."""

    def __init__(self, data, page):
        self.data, self.page = data, page
        self.sections = read_directory(data, page)
        self.by_type = {s.type: s for s in self.sections}
        self.tables = {}
        for type_ in (TENSORS, DIMS, STRINGS, ORDER):
            try:
                self.tables[type_] = read_section(data, self.by_type[type_]) if type_ in self.by_type else b""
            except Fault as fault:
                raise Refused(fault.rule, fault.message) from fault
        size = {type_: self.by_type[type_].size if type_ in self.by_type else 0 for type_ in TABLES}
        self.n = size[TENSORS] // 80
        has_others = any(size[type_] for type_ in TABLES if type_ != TENSORS)
        refuse_unless(size[TENSORS] > 0 or not has_others, "R4-2", "tables without TENSORS")
        refuse_unless(size[TENSORS] == 0 or size[ORDER] > 0, "R4-2", "TENSORS without ORDER")
        refuse_unless(size[TENSORS] % 80 == 0 and self.n < 1 << 31 and size[ORDER] == 4 * self.n and
                      size[DIMS] % 8 == 0 and size[LEAVES] % 32 == 0 and size[EXTENTS] % 24 == 0, "R4-1",
                      "a table has a wrong size")
        self.n_leaves, self.n_extents = size[LEAVES] // 32, size[EXTENTS] // 24
        tensors = self.tables[TENSORS]
        self.rows = [Row(tensors[i * 80:i * 80 + 80]) for i in range(self.n)]
        self.read_names()
        self.read_dims()
        self.check_types()
        self.tile()
        self.check_ties()
        self.order = list(struct.unpack(f"<{self.n}I", self.tables[ORDER]))
        refuse_unless(sorted(self.order) == list(range(self.n)), "R4.2-1", "ORDER is no permutation")

    def read_names(self):
        strings, at = self.tables[STRINGS], 0
        for row in self.rows:
            refuse_unless(at <= row.name_end <= len(strings) and row.name_end - at <= 4096, "R4.1-2", "a name's end")
            row.name, at = strings[at:row.name_end], row.name_end
            try:
                row.name.decode("utf-8", "strict")
            except UnicodeDecodeError as error:
                raise Refused("R4.1-3", "a name is not well-formed UTF-8") from error
            refuse_unless(b"\x00" not in row.name, "R4.1-3", "a name has a NUL")
        refuse_unless(at == len(strings), "R4.1-2", "STRINGS holds more than the names")
        for a, b in zip(self.rows, self.rows[1:]):
            refuse_unless((a.space, a.name) < (b.space, b.name), "R4.1-1", f"{b.name!r} does not ascend")

    def read_dims(self):
        dims, at = self.tables[DIMS], 0
        dims = struct.unpack(f"<{len(dims) // 8}Q", dims)
        for row in self.rows:
            refuse_unless(at <= row.dims_end <= len(dims) and row.dims_end - at <= 32, "R4.1-4",
                          f"dimensions of {row.name!r}")
            row.dims, at = dims[at:row.dims_end], row.dims_end
            refuse_unless(math.prod(d for d in row.dims if d != 0) < BIG, "R4.1-5", f"shape of {row.name!r}")
        refuse_unless(at == len(dims), "R4.1-4", "DIMS holds more than the dimensions")
        refuse_unless(sum(row.n_bytes for row in self.rows) < BIG, "R4.1-5", "the sum of the byte lengths")

    def check_types(self):
        for row in self.rows:
            refuse_unless(row.dtype not in REFUSED_DTYPES, "R4.1-6", f"dtype {row.dtype:04X} of {row.name!r}")
            refuse_unless(row.flags & ~1 == 0, "R4.1-8", f"flags of {row.name!r}")
            refuse_unless(row.base == 0, "R4.1-13", f"base of {row.name!r}")
            if row.dtype not in DTYPES:
                refuse_unless(1 <= row.unit <= 1 << 20 and row.n_bytes % row.unit == 0, "R4.1-7",
                              f"unit of {row.name!r}")
                continue
            _, n_elements, unit, bits = DTYPES[row.dtype]
            product = math.prod(row.dims)
            if bits is None:
                whole = len(row.dims) >= 1 and row.dims[-1] % n_elements == 0
                refuse_unless(whole, "R4.1-7", f"{row.name!r} has no whole blocks")
                size = product // n_elements * unit
            else:
                size = (product * bits + 7) // 8
            refuse_unless(size < BIG, "R4.1-5", f"byte length of {row.name!r}")
            refuse_unless(row.unit == unit and row.n_bytes == size, "R4.1-7", f"byte length or unit of {row.name!r}")

    def tile(self):
        """R4.1-9 to R4.1-11. Every row learns the row that begins its run."""
        self.runs = []
        n_leaves = n_extents = 0
        begun = {}
        for i, row in enumerate(self.rows):
            if row.n_bytes == 0:
                refuse_unless((row.first_leaf, row.place, row.flags, row.base, row.root) == (0, 0, 0, 0, H(b"\x00")),
                              "R4.1-9", f"{row.name!r} is empty and has something")
                continue
            if row.first_leaf != n_leaves:
                first = begun.get(row.first_leaf)
                refuse_unless(first is not None and row.same_run(self.rows[first]), "R4.1-10",
                              f"the run of {row.name!r}")
                row.run = first
                continue
            row.run = begun[n_leaves] = i
            self.runs.append(row)
            n_leaves += row.n_chunks
            if row.coded:
                refuse_unless(row.place == n_extents, "R4.1-10", f"the extents of {row.name!r}")
                n_extents += row.n_chunks
            else:
                refuse_unless(row.place % self.page.alignment == 0 and row.place >= DATA_START and
                              row.place + row.n_bytes <= self.page.dir_off, "R4.1-11", f"the place of {row.name!r}")
        refuse_unless((n_leaves, n_extents) == (self.n_leaves, self.n_extents), "R4.1-10",
                      "LEAVES or EXTENTS do not end with the last run")

    def check_ties(self):
        for i, row in enumerate(self.rows):
            refuse_unless(row.tie <= i, "R4.1-12", f"{row.name!r} is tied to a later row")
            first = self.rows[row.tie]
            shares = first.run == row.run if row.n_bytes else first.n_bytes == 0
            refuse_unless(first.tie == row.tie and first.dtype == row.dtype and first.dims == row.dims and shares,
                          "R4.1-12", f"the tie of {row.name!r}")

    # --- 4.3 LEAVES, 4.4 EXTENTS, 6 Codecs: what a reader looks at when it reads a tensor

    def table(self, type_):
        """LEAVES or EXTENTS as they are: roots, CRCs and leaves tell what is wrong with them (section 9)."""
        s = self.by_type[type_]
        return self.data[s.off:s.off + s.size]

    def leaves(self, row):
        at = row.first_leaf * 32
        raw = self.table(LEAVES)[at:at + 32 * row.n_chunks]
        return [raw[i:i + 32] for i in range(0, len(raw), 32)]

    def extent(self, row, i, size):
        """(offset, stored size, codec, CRC) of a chunk of `size` logical bytes; a raw run has no CRC."""
        if not row.coded:
            return row.place + i * row.chunk_size, size, RAW, None
        at = (row.place + i) * 24
        off, stored, codec, zero, crc, zero2 = struct.unpack("<QIB3sII", self.table(EXTENTS)[at:at + 24])
        fault_unless(zero == b"\0\0\0" and zero2 == 0, "R4.4-1", f"extent {i} of {row.name!r} has reserved bytes")
        if codec == ZERO:
            fault_unless((off, stored, crc) == (0, 0, 0), "R4.4-2", f"extent {i} of {row.name!r} stores zeros")
            return 0, 0, codec, None
        fault_unless(off >= DATA_START and off + stored <= self.page.dir_off, "R4.4-2",
                     f"extent {i} of {row.name!r} does not lie before the directory")
        fault_unless(stored == size if codec == RAW else 1 <= stored < size, "R4.4-3",
                     f"extent {i} of {row.name!r} has a wrong size")
        return off, stored, codec, crc

    def chunk(self, row, i):
        """The logical bytes of a chunk."""
        size = min(row.chunk_size, row.n_bytes - i * row.chunk_size)
        off, stored_size, codec, crc = self.extent(row, i, size)
        if codec == ZERO:
            return bytes(size)
        stored = self.data[off:off + stored_size]
        fault_unless(crc is None or crc32c(stored) == crc, "R4.4-4", f"chunk {i} of {row.name!r} against its CRC")
        if codec == RAW:
            return stored
        fault_unless(codec == ZSTD, "R4.4-5", f"chunk {i} of {row.name!r} has codec {codec}", "unsupported")
        return decode_frame(stored, size)

    def verified_chunk(self, row, i, leaf):
        logical = self.chunk(row, i)
        fault_unless(H(b"\x00", logical) == leaf, "R4.3-2", f"chunk {i} of {row.name!r} against its leaf")
        if i == row.n_chunks - 1 and row.dtype in DTYPES and DTYPES[row.dtype][3]:
            spare = row.n_bytes * 8 - math.prod(row.dims) * DTYPES[row.dtype][3]
            fault_unless(spare == 0 or logical[-1] >> (8 - spare) == 0, "R4.1-14", f"unused bits of {row.name!r}")
        return logical

    def data_of(self, row):
        """The logical bytes of a tensor, verified."""
        if row.run is None:
            return b""
        leaves = self.leaves(row)
        fault_unless(tree(leaves, b"\x01") == row.root, "R4.3-1", f"the leaves of {row.name!r} do not give its root")
        return b"".join(self.verified_chunk(row, i, leaf) for i, leaf in enumerate(leaves))

    def verify_run(self, row, faults):
        """All that reading the run meets, chunk by chunk."""
        leaves = self.leaves(row)
        if tree(leaves, b"\x01") != row.root:
            faults.append(Fault("R4.3-1", f"the leaves of {row.name!r} do not give its root"))
        for i, leaf in enumerate(leaves):
            try:
                self.verified_chunk(row, i, leaf)
            except Fault as fault:
                faults.append(fault)

    # --- 5 Space on disk

    def live(self):
        """[begin, end) of everything that the generation uses."""
        pieces = [(self.page.dir_off, self.page.end)]
        pieces += [(s.off, s.off + s.stored_size) for s in self.sections]
        for row in self.runs:
            if not row.coded:
                pieces.append((row.place, row.place + row.n_bytes))
                continue
            for i in range(row.n_chunks):
                off, stored, _, _ = self.extent(row, i, min(row.chunk_size, row.n_bytes - i * row.chunk_size))
                if stored:
                    pieces.append((off, off + stored))
        return sorted(pieces)

    def compact_end(self):
        """Where the file would end if it were compact, and whether everything lies where it would then lie."""
        p, placed, is_compact = DATA_START, set(), self.page.generation == 1
        for row in (self.rows[i] for i in self.order):
            if row.run is None or row.run in placed:
                continue
            placed.add(row.run)
            if not row.coded:
                p = align(p, self.page.alignment)
                is_compact &= row.place == p
                p += row.n_bytes
                continue
            for i in range(row.n_chunks):
                off, stored = struct.unpack("<QI", self.table(EXTENTS)[(row.place + i) * 24:][:12])
                is_compact &= stored == 0 or off == p
                p += stored
        for s in self.sections:
            p = align(p, 8)
            is_compact &= s.off == p
            p += s.stored_size
        p = align(p, 8)
        return p + self.page.dir_size, is_compact and p == self.page.dir_off


def gaps(pieces, begin, end):
    for a, b in pieces:
        if begin >= end:
            return
        if a > begin:
            yield begin, min(a, end)
        begin = max(begin, b)
    if begin < end:
        yield begin, end


def check_gaps(data, pieces, begin, end, alignment, rule, faults):
    for a, b in gaps(pieces, begin, end):
        if a == begin and b - a >= alignment:
            continue  # an abandoned tail
        if any(data[a:b]):
            faults.append(Fault(rule, f"bytes {a} to {b} belong to nothing and are not zero"))


def verify_space(generation, previous, prev_page, faults):
    data, page = generation.data, generation.page
    try:
        live = generation.live()
    except Fault:
        return  # nobody knows what is live; the extent was named when its chunk was read
    for a, b in zip(live, live[1:]):
        if a[1] > b[0]:
            faults.append(Fault("R5-1", f"{a} and {b} overlap"))
            break
    begin = prev_page.end if prev_page else DATA_START
    check_gaps(data, live, begin, page.dir_off, page.alignment, "R5-2", faults)
    if page.generation == 2 and previous:
        check_gaps(data, sorted(live + previous.live()), DATA_START, begin, page.alignment, "R5-3", faults)


def verify_previous(data, page, faults):
    """R5-4. The generation when it is whole, else None."""
    found = []
    previous = None
    try:
        previous = Generation(data, page)
        for s in previous.sections:
            read_section(data, s)
        for row in previous.runs:
            previous.verify_run(row, found)
    except (Refused, Fault) as broken:
        found.append(broken)
    if found:
        faults.append(Fault("R5-4", f"the previous generation is not whole: {found[0].message}"))
        return None
    return previous


# --- 6.2 Frames ---------------------------------------------------------------------------------------------------

def decode_frame(stored, size):
    fault_unless(stored[:4] == b"\x28\xB5\x2F\xFD", "R6.2-1", "no Zstandard frame, or a skippable one")
    try:
        header = zstandard.get_frame_parameters(stored)
    except zstandard.ZstdError as error:
        raise Fault("R6.2-4", f"frame: {error}") from error
    fault_unless(header.content_size == size, "R6.2-2", "the frame's header does not state the plain size")
    fault_unless(header.dict_id == 0 and not stored[4] & 3 and not header.has_checksum, "R6.2-3",
                 "the frame has a dictionary or a checksum")
    decoder = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
    try:
        plain = decoder.decompress(stored)
    except zstandard.ZstdError as error:
        raise Fault("R6.2-4", f"frame: {error}") from error
    fault_unless(decoder.eof and len(plain) == size, "R6.2-4", "the frame does not give the plain size")
    fault_unless(not decoder.unused_data, "R6.2-1", "something follows the frame")
    return plain


# --- 7 Content sections -------------------------------------------------------------------------------------------

def check_meta(raw):
    """R7.1-1 to R7.1-3; the text."""
    fault_unless(len(raw) <= 256 << 20, "R7.1-2", "META is too large", "limit")
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise Fault("R7.1-1", "META is not well-formed UTF-8") from error
    # Depth first, outside of strings: the parser below would run out of its stack.
    depth = deepest = 0
    for bracket in re.findall(r'[\[{]|[\]}]', re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    fault_unless(deepest <= 64, "R7.1-2", "META is too deep", "limit")

    def unique(pairs):
        keys = [key for key, _ in pairs]
        fault_unless(len(set(keys)) == len(keys), "R7.1-3", "an object of META holds a key twice")
        return dict(pairs)

    def never(word):
        raise ValueError(word)

    try:
        parsed = json.loads(text, object_pairs_hook=unique, parse_constant=never, parse_int=str, parse_float=str)
        json.dumps(parsed, ensure_ascii=False).encode()  # no lone surrogates
    except ValueError as error:
        raise Fault("R7.1-1", f"META is no JSON: {error}") from error
    fault_unless(isinstance(parsed, dict), "R7.1-1", "META is not one object")
    return text


class Fields:
    """Reads one field after another."""

    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, n):
        fault_unless(n <= len(self.raw) - self.at, "R7.2-1", "the recipe is cut short")
        self.at += n
        return self.raw[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")


def check_plain_name(name):
    plain = not re.search(rb"[/\\\x00-\x1f\x7f]", name) and name not in (b".", b"..")
    fault_unless(plain, "R7.2-1", f"{name!r} is no plain name")


def has_whole_bytes(dtype):
    return dtype in ANY_SIZE or (dtype in DTYPES and DTYPES[dtype][1] == 1)


def check_origin(raw, rows):
    """R7.2-1."""
    fields = Fields(raw)
    fields.take(64)
    check_plain_name(fields.take(fields.number(1)))
    n_files = fields.number(4)
    fault_unless(n_files >= 1, "R7.2-1", "a recipe for no file")
    names = set()
    for _ in range(n_files):
        k = fields.number(4)
        fault_unless(1 <= k <= 255, "R7.2-1", "a file's name has a wrong length")
        name = fields.take(k)
        check_plain_name(name)
        fault_unless(name not in names, "R7.2-1", f"two files are called {name!r}")
        names.add(name)
        size, n_pieces, total = fields.number(8), fields.number(8), 0
        for _ in range(n_pieces):
            kind = fields.number(1)
            fault_unless(kind <= 1, "R7.2-1", "an unknown kind of piece")
            if kind == 0:
                n = fields.number(8)
                fields.take(n)
            else:
                row, first, n, transform = (fields.number(4), fields.number(8), fields.number(8), fields.number(1))
                within = row < len(rows) and first + n <= rows[row].n_bytes
                fault_unless(within, "R7.2-1", "a piece does not lie within its tensor")
                fault_unless(transform < 4, "R7.2-1", "an unknown transform")
                may = transform == 0 or (has_whole_bytes(rows[row].dtype) and (first, n) == (0, rows[row].n_bytes))
                fault_unless(may, "R7.2-1", "a transform of a part, or of elements that are no whole bytes")
            total += n
        fault_unless(total == size, "R7.2-1", "the pieces do not add up to the file")
    fault_unless(fields.at == len(raw), "R7.2-1", "something follows the recipe")


def verify_sections(generation, faults):
    """Every section is read once; META's text is given back."""
    text = None
    for s in generation.sections:
        if s.type in (TENSORS, DIMS, STRINGS, ORDER):
            continue
        try:
            plain = read_section(generation.data, s)
            if s.type == META:
                text = check_meta(plain)
            elif s.type == ORIGIN:
                check_origin(plain, generation.rows)
        except Fault as fault:
            faults.append(fault)
    return text


# --- the whole file -----------------------------------------------------------------------------------------------

def dtype_name(dtype):
    return DTYPES[dtype][0] if dtype in DTYPES else ANY_SIZE.get(dtype, f"0x{dtype:04x}")


def describe_tensor(generation, i, tie):
    row = generation.rows[i]
    try:
        data_sha256 = hashlib.sha256(generation.data_of(row)).hexdigest()
    except Fault:
        data_sha256 = None
    return {
        "name": row.name.decode("utf-8"),
        "dtype": dtype_name(row.dtype),
        "shape": list(row.dims),
        "space": SPACES[row.space] if row.space < len(SPACES) else row.space,
        "tie": tie,
        "n_bytes": row.n_bytes,
        "tensor_digest": tensor_digest(row).hex(),
        "data_sha256": data_sha256,
    }


def describe_tensors(generation):
    """In the source's order; `tie` is the place in it of the first tensor of the tie group."""
    first = {}
    for place, i in enumerate(generation.order):
        first.setdefault(generation.rows[i].tie, place)
    return [describe_tensor(generation, i, first[generation.rows[i].tie]) for i in generation.order]


def check_file(data):
    """What is in the file, as a dictionary for JSON. Raises Refused."""
    page, other = choose_page(data)
    generation = Generation(data, page)
    faults = []
    is_expected = (other.kind == "empty" if page.generation == 1 else
                   other.kind == "valid" and other.generation == page.generation - 1)
    if not is_expected:
        faults.append(Fault("R2.2-4", f"the other page is bad ({other.rule or other.kind})"))
    if len(data) > page.end:
        faults.append(Fault("R2.2-5", f"{len(data) - page.end} bytes behind the committed end"))
    metadata = verify_sections(generation, faults)
    for row in generation.runs:
        generation.verify_run(row, faults)
    has_previous = is_expected and other.kind == "valid"
    previous = verify_previous(data, other, faults) if has_previous else None
    verify_space(generation, previous, other if has_previous else None, faults)
    compact_end, is_compact = generation.compact_end()
    return {
        "status": "fault" if faults else "ok",
        "rule": faults[0].rule if faults else None,
        "faults": [{"rule": f.rule, "status": f.status, "message": f.message} for f in faults],
        "generation": page.generation,
        "state": {"bad_page": not is_expected, "previous": has_previous, "tail": len(data) - page.end,
                  "dead": max(0, page.end - compact_end), "compact": is_compact},
        "alignment": page.alignment,
        "tensors": describe_tensors(generation),
        "metadata": metadata,
        "sections": [{"type": f"{s.type:08X}", "size": s.size, "stored": s.stored_size, "digest": s.digest.hex()}
                     for s in generation.sections],
        "weights_digest": weights_digest(generation.rows).hex(),
        "artifact_digest": artifact_digest(generation.rows, generation.order, generation.sections).hex(),
    }


def map_file(path):
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def decode(path):
    """What heft_decoder.py FILE prints, as a dictionary."""
    try:
        return check_file(map_file(path))
    except Refused as refused:
        return {"status": "refused", "rule": refused.rule, "code": refused.status, "message": refused.message}


def dump_tensor(path, name):
    data = map_file(path)
    generation = Generation(data, choose_page(data)[0])
    for row in generation.rows:
        if row.name == os.fsencode(name):
            sys.stdout.buffer.write(generation.data_of(row))
            return
    raise SystemExit(f"{path}: there is no tensor {name!r}")


def main():
    parser = argparse.ArgumentParser(description="Check a heft file against its specification.")
    parser.add_argument("file")
    parser.add_argument("--data", metavar="NAME", help="write the logical bytes of this tensor")
    options = parser.parse_args()
    if options.data is not None:
        try:
            dump_tensor(options.file, options.data)
        except (Refused, Fault) as broken:
            raise SystemExit(f"{options.file}: [{broken.rule}] {broken.message}") from broken
        return 0
    found = decode(options.file)
    json.dump(found, sys.stdout, indent=1, ensure_ascii=False)
    print()
    return {"ok": 0, "fault": 1, "refused": 3}[found["status"]]


if __name__ == "__main__":
    sys.exit(main())
