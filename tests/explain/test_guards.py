"""What torch's guards say, in the user's words: all real texts, by kind and argument."""

import json
from pathlib import Path

import pytest

from tracedbg.events import CauseKind, Frame, GuardFailure
from tracedbg.explain import guards, messages
from tracedbg.explain.sources import parse

K = CauseKind
TEXTS = json.loads((Path(__file__).parents[1] / "adapters/torch/guard_texts.json").read_text())

EXPECTED = {
    "size": (K.SHAPE, "x"),
    "size_one": (K.SHAPE, "x"),
    "size_of_user_condition": (K.SYMBOLIC_CONDITION, "x"),
    "sizes_equal": (K.SYMBOLIC_CONDITION, "b"),
    "rank": (K.RANK, "x"),
    "dtype": (K.DTYPE, "x"),
    "stride": (K.LAYOUT, "x"),
    "device": (K.DEVICE, "x"),
    "inference_tensor": (K.REQUIRES_GRAD, "x"),
    "requires_grad": (K.REQUIRES_GRAD, "x"),
    "parameter_frozen": (K.REQUIRES_GRAD, "layer.weight"),
    "parameter_instead_of_tensor": (K.PYTHON_TYPE, "x"),
    "duplicate_tensors": (K.ALIASING, "a"),
    "none_to_tensor": (K.NONE_VS_VALUE, "mask"),
    "tensor_to_none": (K.NONE_VS_VALUE, "mask"),
    "python_to_tensor": (K.TENSOR_VS_PYTHON, "n"),
    "int_value": (K.PYTHON_VALUE, "n"),
    "int_to_float": (K.PYTHON_TYPE, "n"),
    "float_value": (K.PYTHON_VALUE, "n"),
    "str_value": (K.PYTHON_VALUE, "mode"),
    "bool_value": (K.PYTHON_VALUE, "training"),
    "list_length": (K.STRUCTURE, "items"),
    "tuple_length": (K.STRUCTURE, "xs"),
    "dict_value": (K.PYTHON_VALUE, 'options["scale"]'),
    "dict_keys": (K.STRUCTURE, "batch"),
    "dict_key_renamed": (K.STRUCTURE, "batch"),
    "list_to_tuple": (K.STRUCTURE, "xs"),
    "object_attribute": (K.ATTRIBUTE_VALUE, "config.scale"),
    "module_int_attribute": (K.ATTRIBUTE_VALUE, "self.scale"),
    "module_bool_attribute": (K.ATTRIBUTE_VALUE, "self.residual"),
    "module_training": (K.ATTRIBUTE_VALUE, "module[1].training"),
    "module_hook_added": (K.STRUCTURE, "module[0]._forward_hooks"),
    "module_of_other_size": (K.SHAPE, "layer.bias"),
    "module_of_other_type": (K.PYTHON_TYPE, "layer"),
    "function_object": (K.IDENTITY, "function"),
    "object_identity": (K.PYTHON_VALUE, "kind"),
    "class_identity": (K.IDENTITY, "kind"),
    "closure_value": (K.PYTHON_VALUE, "factor"),
    "global_value": (K.GLOBAL_VALUE, "FLAG"),
    "default_argument": (K.IDENTITY, "inner"),
    "optimizer_state": (K.STRUCTURE, "optimizer.state"),
    "learning_rate": (K.ATTRIBUTE_VALUE, 'optimizer.param_groups[0]["lr"]'),
    "grad_mode": (K.GLOBAL_STATE, "grad_mode"),
    "autocast": (K.GLOBAL_STATE, "autocast(cpu)_enabled"),
    "default_dtype": (K.GLOBAL_STATE, "default_dtype"),
    "num_threads": (K.GLOBAL_STATE, "num_threads"),
    "deterministic": (K.GLOBAL_STATE, "deterministic_algorithms"),
    "default_device": (K.GLOBAL_STATE, "torch_function_mode_stack"),
    "backend_of_other_name": (K.BACKEND, "backend"),
    "backend_object": (K.BACKEND, "backend"),
    "mark_dynamic": (K.SHAPE, ""),
    "dead_object": (K.IDENTITY, "kind"),
}


def failure(record):
    frame = Frame("f.py", 5) if record["user_line"] else None
    fields = (record[name] for name in ("entry", "guard", "source", "before", "now"))
    return GuardFailure(*fields, frame, record["fixed"])


def test_every_recorded_text_has_an_expectation():
    assert set(EXPECTED) == set(TEXTS)


@pytest.mark.parametrize("name", TEXTS)
def test_a_real_guard_names_the_kind_and_the_argument(name):
    for record in TEXTS[name]:
        found = guards.read(failure(record))
        assert [(d.kind, d.argument) for d in found] == [EXPECTED[name]]
        assert messages.sentence(found[0])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("size", "`x` changed shape from float32[10, 4] to float32[11, 4]"),
        ("size_of_user_condition", "the graph holds only where 6 <= x.size(0): now 3"),
        (
            "sizes_equal",
            "the graph holds only where b.size(0) == a.size(0): now b.size(0) = 5, a.size(0) = 4",
        ),
        ("stride", "`x` changed memory layout from stride [5, 1] to stride [1, 4]"),
        ("device", "`x` changed device from cpu to meta"),
        ("requires_grad", "`x` changed requires_grad from False to True"),
        (
            "duplicate_tensors",
            "which arguments are the same object changed: a is b, before tensors of their own",
        ),
        ("none_to_tensor", "`mask` is float32[4], and was None"),
        ("tensor_to_none", "`mask` is None, and was Tensor float32[4]"),
        ("int_value", "`n` changed from 2 to 3 (a Python int is part of the trace's key)"),
        ("int_to_float", "`n` changed type from int 2 to float 2.5"),
        ("list_length", "`items` changed from length 1 to length 2"),
        ("dict_key_renamed", "`batch` has other keys: 'a' is gone"),
        ("global_value", "the global `FLAG` changed from True to False"),
        ("default_dtype", "`default_dtype` changed and is now torch.float64"),
        ("backend_of_other_name", "`backend` changed from eager to aot_eager"),
        (
            "dead_object",
            "the object that `kind` was is gone, and the trace made for it can never be used again",
        ),
    ],
)
def test_the_sentence_is_in_the_words_of_the_user(name, sentence):
    assert messages.sentence(guards.read(failure(TEXTS[name][0]))[0]) == sentence


@pytest.mark.parametrize(
    ("guard", "kind", "argument"),
    [
        ("tensor 'x' size mismatch at index 1. expected 3, actual 4", K.SHAPE, "x"),
        ("Tensor device index mismatch. Expected device index to be 0, got 1", K.DEVICE, ""),
        ("expected type of 'L['x']' to be a tensor type, ' but found <class 'list'>", K.STRUCTURE, "x"),
        ("expected type of 'L['x']' to be a tensor type, ' but found <class 'int'>", K.TENSOR_VS_PYTHON, "x"),
        (
            "expected type of 'L['x']' to be <class 'torch.Tensor'>, but found <class 'list'>",
            K.STRUCTURE,
            "x",
        ),
        ("L['x'] is not None", K.NONE_VS_VALUE, "x"),
        ("L['a'] is L['b']", K.ALIASING, "a"),
        ("hasattr(L['cfg'], 'lr')", K.ATTRIBUTE_VALUE, "cfg.lr"),
        ("not ___dict_contains('forward', L['m'].__dict__)", K.ATTRIBUTE_VALUE, "m.forward"),
        ("list(dict.keys(L['d'])) == ['a', 'b']", K.STRUCTURE, "d"),
        ("not L['xs']", K.STRUCTURE, "xs"),
        ("(type(L['x']) is float and __math_isnan(L['x']))", K.PYTHON_VALUE, "x"),
        ("int(L['n']) == 3", K.PYTHON_VALUE, "int(n)"),
        (
            "___check_obj_id(L['self'].training, 7685568), type=<class 'bool'>",
            K.ATTRIBUTE_VALUE,
            "self.training",
        ),
        ("2 <= L['n']  # 0/1 specialization", K.PYTHON_VALUE, "n"),
        ("L['x'].stride()[0] == L['x'].size()[1]", K.LAYOUT, "x"),
        ("((2*L['x'].size()[0]) % 3) == 0", K.SYMBOLIC_CONDITION, "x"),
        ("utils_device.CURRENT_DEVICE == None", K.GLOBAL_STATE, "default_device"),
        ("BACKEND_MATCH failure: torch.compile detected different backend callables.", K.BACKEND, "backend"),
        ("NO_GUARD_FAILED", K.UNKNOWN, ""),
        ("some text of a later torch", K.UNKNOWN, ""),
    ],
)
def test_forms_that_other_versions_have_are_read_too(guard, kind, argument):
    found = guards.read(GuardFailure("0/0", guard))
    assert [(d.kind, d.argument) for d in found] == [(kind, argument)]
    assert messages.sentence(found[0])


def test_the_entry_that_failed_last_in_the_order_of_checks_is_the_nearest():
    entries = [
        GuardFailure("0/3", "tensor 'L['x']' requires_grad mismatch. expected requires_grad=1"),
        GuardFailure("0/2", "tensor 'L['x']' dtype mismatch. expected Double, actual Float"),
        GuardFailure("0/0", "tensor 'L['x']' stride mismatch at index 0. expected 4, actual 16"),
    ]
    assert [d.kind for d in guards.nearest(entries)] == [K.LAYOUT]


def test_of_equally_near_entries_the_one_used_last_is_compared():
    entries = [GuardFailure("0/1", "L['n'] == 7"), GuardFailure("0/0", "L['n'] == 3")]
    assert [d.before for d in guards.nearest(entries)] == ["7"]


def test_an_entry_that_can_never_fit_again_is_the_last_resort():
    dead = GuardFailure("0/1", "Cache line invalidated because L['f'] got deallocated", "L['f']", fixed=True)
    assert [d.kind for d in guards.nearest([dead, GuardFailure("0/0", "L['n'] == 3")])] == [K.PYTHON_VALUE]
    assert [d.kind for d in guards.nearest([dead])] == [K.IDENTITY]


def test_all_guards_of_the_nearest_entry_are_told_once():
    entries = [
        GuardFailure("0/0", "tensor 'L['x']' size mismatch at index 0. expected 2, actual 3"),
        GuardFailure("0/0", "tensor 'L['y']' size mismatch at index 0. expected 2, actual 3"),
        GuardFailure("0/0", "tensor 'L['x']' size mismatch at index 1. expected 2, actual 3"),
    ]
    assert [d.argument for d in guards.nearest(entries)] == ["x", "y"]


@pytest.mark.parametrize(
    ("expression", "spoken"),
    [
        ("L['batch']['x']", 'batch["x"]'),
        ("L['xs'][2]", "xs[2]"),
        ("L['d'][('a', 1)]", "d[('a', 1)]"),
        ("L['self']._modules['lin']._parameters['weight']", "self.lin.weight"),
        ("L['self']._modules['layers']._modules['0'].idx", "self.layers[0].idx"),
        ("L['self'].layers._modules['3']", "self.layers[3]"),
        ("L['m'].__dict__['k']", "m.k"),
        ("G['FLAG']", "FLAG"),
        ("G['__builtins_dict___0']['len']", "len"),
        ("G['__import_torch_dot_nn'].F", "torch.nn.F"),
        ("L['x'].size()[0]", "x.size(0)"),
        ("dict.__getitem__(L['d'], 'a')", 'd["a"]'),
        ("___tuple_iterator_getitem(L['it'], 0)", "it[0]"),
        ("___from_numpy(L['a'])", "a"),
        ("2*L['x'].size()[0] < 7 and L['n'] > 3", "2 * x.size(0) < 7 and n > 3"),
        ("L['___stack0']", "intermediate value 0"),
        ("L['größe']", "größe"),
    ],
)
def test_an_expression_reads_as_the_user_wrote_it(expression, spoken):
    assert parse(expression).text == spoken


def test_what_is_no_expression_has_no_source():
    assert parse("L['x' is odd") is None
