"""Without each private name that the adapters list: the program as plain, one line, and the rest at work.

The names are those that are listed, so that a new one is tested by itself. `python -m benchmarks.names` takes
away all of them, and each private attribute that is read of a framework's objects.
"""

from __future__ import annotations

import re

import pytest

from faults import removal
from faults.names import run_without

TESTED_IN_PLACE = (
    "torch_compile._compat", "torch_compile.walk._compat", "torch_script._compat", "tf_function.walk._compat",
    "tf_ops._compat", "tf_common._compat",
)  # fmt: skip
"""Each name of these is taken away by the tests of its own adapter, in one process; here are the others."""
LISTED = [
    name
    for name in removal.listed()
    if not any(user.removeprefix(f"{removal.PACKAGE}.") in TESTED_IN_PLACE for user in name.users)
]
OF_OTHER_VERSIONS = {"any_torch_dispatch_mode_on_stack", "log_graph_break", "is_in_torch_dispatch_mode"}
"""They stand in for another name, in versions that do not have that."""
ASKED_LATER = {
    # of tensors that the debugger shows: what cannot be read is said where it would stand
    "_is_functional_tensor", "get_unwrapped", "is_batchedtensor", "is_gradtrackingtensor", "FakeTensor",
    "temporarily_clear_interpreter_stack", "EagerTensor._handle_data", "EagerTensor._numpy_internal",
    "EagerTensor._id", "DistributedValues._primary",
    # of a kind of call that the programs do not make
    "_should_allow_numbers_as_tensors", "_get_operation_overload", "_jit_pass_inline", "gather_traceback",
    "symbolize_tracebacks", "_get_python_class", "wrap_cpp_module", "_get_script_class", "wrap_inline",
    "TorchDispatchMode.ignore_compile_internals", "toggle_debug_mode", "Function",
    # looked for where something else has failed
    "Unsupported", "UserError",
    # of a function that XLA has compiled
    "HloProto",
    # of a comparison of what Inductor has compiled
    "lookup_backend", "_compilation_metrics", "counters", "patch",
}  # fmt: skip
"""Nothing is said without these, in programs as small as ours."""
FOLLOWED_BY_ANOTHER = {"_get_tracing_state", "get"}
"""A second part fails for want of the first, and says so."""


@pytest.fixture(scope="module", params=["torch", "tensorflow"])
def without(request, tmp_path_factory):
    """What was seen without each name of one framework."""
    pytest.importorskip(request.param)
    names = [name for name in LISTED if name.framework == request.param]
    return run_without(request.param, names, tmp_path_factory.mktemp(request.param))


def test_there_are_names_to_be_taken_away():
    assert {name.framework for name in LISTED} == {"torch", "tensorflow"}
    assert len(LISTED) > 50
    assert len(removal.listed()) > 180


def test_the_program_is_as_without_us(without):
    disturbed = {
        str(name): seen.error or seen.outputs for name, seen in without.items() if not seen.is_undisturbed
    }
    assert disturbed == {}


def test_one_line_names_what_is_missing(without):
    unsaid, more, unclear = [], [], []
    for name, seen in without.items():
        said = [line for line in seen.stderr if " is off: " in line]
        if not said and name.path not in ASKED_LATER | OF_OTHER_VERSIONS:
            unsaid.append(str(name))
        if len(said) > 1 + (name.path in FOLLOWED_BY_ANOTHER):
            more.append((str(name), said))
        if said and not re.fullmatch(
            rf"tracedbg: \S.* is off: MovedError: no {re.escape(str(name))}; the program and the rest go on",
            said[0],
        ):
            unclear.append((str(name), said))
    assert (unsaid, more, unclear) == ([], [], [])


def test_the_report_has_a_fault_for_each_part_that_is_off(without):
    silent = [str(name) for name, seen in without.items() if seen.stderr and not seen.faults]
    assert silent == []


def test_the_other_parts_still_record(without):
    """A name costs one kind of thing at the most in a section, or two where one is made of the other."""
    lost = {str(name): seen.lost for name, seen in without.items() if len(seen.lost) > 3}
    assert lost == {}
    nothing = [
        str(name)
        for name, seen in without.items()
        for section, things in seen.found.items()
        if seen.whole[section] and not things and len(seen.whole[section]) > 1
    ]
    assert nothing == []


def test_every_private_attribute_that_is_read_is_listed():
    """In a `_compat` of its package, or of the framework's: as a name, or in what is said of one."""
    unlisted = [name for name in removal.unlisted() if not is_listed(name)]
    assert [f"{name.module}: {name.path}" for name in unlisted] == []


def is_listed(name):
    module = name.module.removeprefix(f"{removal.PACKAGE}.").split(".")
    folders = [removal.ADAPTERS.joinpath(*module[:depth]) for depth in range(1, len(module) + 1)]
    folders += [removal.ADAPTERS / {"torch": "torch_common", "tensorflow": "tf_common"}[name.framework]]
    files = [folder / "_compat.py" for folder in folders]
    words = re.compile(rf"(?<!\w){re.escape(name.path)}(?!\w)")
    return any(words.search(file.read_text()) for file in files if file.exists())
