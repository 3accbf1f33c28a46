# SPDX-License-Identifier: Apache-2.0
"""Every rule of the specification has a tag, and every tag is named by a test or a vector."""
import re

import pytest

from tree import ROOT, files, name

PAGES = sorted((ROOT / "spec").rglob("*.md"))
TAG = re.compile(r"\[([A-Z]+\d+(?:\.\d+)*-\d+)\]")


def tags(path):
    """The tags that a page defines: the first word of a rule."""
    return [m.group(1) for m in re.finditer(r"^\s*(?:[-*|] *)?\[([A-Z]+\d+(?:\.\d+)*-\d+)\]", path.read_text(), re.M)]


def named():
    """Every tag that a test or a vector names."""
    places = files("tests", suffixes={".c", ".h", ".py", ".sh", ".inc", ".txt"})
    places += files("spec/vectors", suffixes={".text", ".expect", ".txt", ".py", ".md"})
    found = set()
    for path in places:
        found |= set(re.findall(r"\b[A-Z]+\d+(?:\.\d+)*-\d+\b", path.read_text(errors="replace")))
    return found


def test_no_tag_is_used_for_two_rules():
    seen = {}
    for page in PAGES:
        for tag in tags(page):
            assert tag not in seen, f"{tag} stands in {seen[tag]} and in {name(page)}"
            seen[tag] = name(page)
    assert seen, "the specification has no rules"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_must_carries_a_tag(page):
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*[-|] )", page.read_text()):
        if re.search(r"\bMUST\b", paragraph):
            assert TAG.search(paragraph), f"{name(page)}: a MUST without a tag: {paragraph.strip()[:80]}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_tag_is_named_by_a_test_or_a_vector(page):
    known = named()
    missing = [tag for tag in tags(page) if tag not in known]
    assert not missing, f"{name(page)}: nothing tests {' '.join(missing)}"
