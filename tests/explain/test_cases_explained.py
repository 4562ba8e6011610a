"""Real pathologies: the kind and the argument that their authors name, from a recorded run."""

from __future__ import annotations

from pathlib import Path

import pytest
from observed import run_observed

CASES = Path(__file__).parents[3] / "shared" / "cases"

TF = {
    "tf_python_int_arg": {("python_value", "n", "0", "5", 5)},
    "tf_lr_decay_float": {("python_value", "lr", "0.1", "0.05904900000000002", 5)},
    "tf_shape_change": {("shape", "x", "float32[1]", "float32[6]", 5)},
    "tf_dtype_change": {("dtype", "a", "int32[]", "string[]", 2)},
    "tf_list_grow": {("structure", "xs", "list of 1", "list of 6", 5)},
    "tf_fresh_object_arg": {("identity", "cfg", "Config object", "another Config object", 5)},
    "tf_function_in_loop": {("new_function_object", "", "", "", 5)},
    "tf_spurious_warning_factory": set(),
    "tf_dict_order_ok": set(),
}
TORCH = {
    "pt_dtype_stride_grad": {
        ("layout", "x", "stride [4, 1]", "stride [1, 4]", 1),
        ("dtype", "x", "float32[4, 4]", "float64[4, 4]", 1),
        ("requires_grad", "x", "False", "True", 1),
        ("layout", "x", "stride [1, ?]", "stride [16, 2]", 1),
    },
    "pt_layer_idx": {
        ("attribute_value", "self.idx", "1", "7", 6),
        ("requires_grad", "x", "False", "True", 1),
    },
    "pt_list_grow": {("structure", "xs", "length 1", "length 8", 7)},
    "pt_fresh_callable_arg": {("identity", "g", "", "<lambda> (<string>:1)", 7)},
    "pt_autocast_toggle": {("global_state", "autocast(cpu)_enabled", "False", "True", 1)},
    "pt_dynamic_true_ok": set(),
}


def told(name, tmp_path):
    case = CASES / f"{name}.py"
    if not case.exists():
        pytest.skip("needs ../shared/cases, which is not here")
    found = run_observed(case, cwd=tmp_path).causes(case)
    assert all(cause["message"] for cause in found)
    return {tuple(cause[key] for key in ("kind", "argument", "before", "after", "count")) for cause in found}


@pytest.mark.tensorflow
@pytest.mark.shared
@pytest.mark.parametrize("name", TF)
def test_a_tf_case_is_explained_by_its_true_cause(name, tmp_path):
    assert told(name, tmp_path) == TF[name]


@pytest.mark.torch
@pytest.mark.shared
@pytest.mark.parametrize("name", TORCH)
def test_a_torch_case_is_explained_by_its_true_cause(name, tmp_path):
    assert told(name, tmp_path) == TORCH[name]
