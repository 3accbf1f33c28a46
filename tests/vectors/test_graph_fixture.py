# SPDX-License-Identifier: Apache-2.0
"""fixtures/graph.onnx is what make_onnx_graph.py makes."""
import pathlib

import make_onnx_graph

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"


def test_the_fixture_is_what_its_script_makes():
    assert (FIXTURES / "graph.onnx").read_bytes() == make_onnx_graph.made()
