# SPDX-License-Identifier: Apache-2.0
"""fixtures/graph.onnx and run.onnx are what their scripts make."""
import pathlib

import make_onnx_graph
import make_run_model
import pytest

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"


@pytest.mark.parametrize("name, made", [("graph.onnx", make_onnx_graph.made), ("run.onnx", make_run_model.made)])
def test_the_fixture_is_what_its_script_makes(name, made):
    assert (FIXTURES / name).read_bytes() == made()
