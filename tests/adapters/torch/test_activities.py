"""What torch's modules say of a thread: on real stacks, taken where torch calls back."""

from __future__ import annotations

import os
import sys

import pytest

from tracedbg import plugins
from tracedbg.activities import Activity, Classifier, Doing, Rule
from tracedbg.adapters.torch_common.activities import RULES

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
NOT_HERE = {"triton"}
"""Packages that a machine without a GPU may lack."""


@pytest.fixture(scope="module")
def classifier():
    return Classifier(plugins.activity_rules())


class Stack:
    """Calls back, and keeps the stack of the caller: what a sampler would see without the callback."""

    def __init__(self):
        self.frames = []

    def take(self, *_):
        frame = sys._getframe(1)
        while frame.f_code.co_filename == __file__:  # the callback itself is the user's, here
            frame = frame.f_back
        self.frames = []
        while frame is not None:
            self.frames.append(
                (frame.f_code.co_filename, getattr(frame.f_code, "co_qualname", frame.f_code.co_name))
            )
            frame = frame.f_back


@pytest.fixture
def stack():
    return Stack()


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def test_the_backend_of_torch_compile_is_called_while_dynamo_traces(classifier, stack):
    def backend(module, inputs):
        stack.take()
        return module.forward

    torch.compile(lambda x: x + 1, backend=backend)(torch.ones(2))
    assert classifier.classify(stack.frames) == Doing(Activity.TRACING, "Dynamo")


def test_what_aot_autograd_calls_is_its_compiling(classifier, stack):
    from torch._dynamo.backends.common import aot_autograd

    def compiler(module, inputs):
        stack.take()
        return module.forward

    torch.compile(lambda x: x + 1, backend=aot_autograd(fw_compiler=compiler))(torch.ones(2))
    assert classifier.classify(stack.frames) == Doing(Activity.COMPILING, "AOTAutograd")


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
def test_a_pass_of_inductor_is_its_compiling(classifier, stack):
    with torch._inductor.config.patch(
        post_grad_custom_pre_pass=stack.take, fx_graph_cache=False, compile_threads=1
    ):
        torch.compile(lambda x: x.sin() + 1)(torch.ones(2))
    assert classifier.classify(stack.frames) == Doing(Activity.COMPILING, "Inductor")


def test_an_operator_that_a_compiled_graph_calls_is_the_graph_s_running(classifier, stack):
    @torch.library.custom_op("tracedbg_test::look", mutates_args=())
    def look(x: torch.Tensor) -> torch.Tensor:
        stack.take()
        return x + 1

    look.register_fake(torch.empty_like)
    look.register_autograd(lambda ctx, gradient: look(gradient))
    compiled = torch.compile(lambda x: look(x) * 2, backend="aot_eager")
    result = compiled(torch.ones(2, requires_grad=True))
    assert classifier.classify(stack.frames).activity is Activity.COMPILED
    result.sum().backward()
    assert any(function.endswith("_engine_run_backward") for _, function in stack.frames)
    assert classifier.classify(stack.frames).activity is Activity.COMPILED


def test_a_hook_of_a_tensor_is_called_in_backward(classifier, stack):
    x = torch.ones(2, requires_grad=True)
    x.register_hook(stack.take)
    (x * 2).sum().backward()
    assert classifier.classify(stack.frames) == Doing(Activity.BACKWARD, "autograd")


def test_a_hook_of_an_optimizer_is_called_in_its_step(classifier, stack):
    optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)])
    optimizer.register_step_post_hook(stack.take)
    optimizer.step()
    assert classifier.classify(stack.frames) == Doing(Activity.EAGER_OPS, "optimizer")


def test_a_hook_of_a_module_is_called_among_eager_ops(classifier, stack):
    module = torch.nn.Linear(2, 2)
    module.register_forward_hook(stack.take)
    module(torch.ones(2, 2))
    assert classifier.classify(stack.frames) == Doing(Activity.EAGER_OPS)


def test_a_dataset_of_the_user_is_data_loading_with_the_ops_that_it_calls(classifier, stack):
    class Dataset(torch.utils.data.Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            stack.take()
            return index

    next(iter(torch.utils.data.DataLoader(Dataset())))
    users = [("/home/me/data.py", "Data.__getitem__"), *stack.frames]
    assert classifier.classify(users) == Doing(Activity.DATA_LOADING, "DataLoader")


def test_waiting_for_a_worker_of_a_loader_is_data_loading(classifier, stack):
    loader = torch.utils.data.DataLoader([1, 2], num_workers=1)
    batches = iter(loader)
    get = batches._data_queue.get
    batches._data_queue.get = lambda timeout: (stack.take(), get(timeout=timeout))[1]
    assert len(list(batches)) == 2
    del batches
    assert classifier.classify(stack.frames) == Doing(Activity.DATA_LOADING, "waiting for a worker")


def test_the_function_that_torch_jit_traces_runs_while_it_is_traced(classifier, stack):
    def function(x):
        stack.take()
        return x + 1

    with pytest.warns((DeprecationWarning, FutureWarning), match="torch.jit.trace"):  # since 2.15 the latter
        torch.jit.trace(function, torch.ones(2))
    users = [("/home/me/model.py", "forward"), *stack.frames]
    assert classifier.classify(users) == Doing(Activity.TRACING, "TorchScript")


def missing(rules):
    root = os.path.dirname(os.path.dirname(torch.__file__))
    found = []
    for rule in rules:
        if not isinstance(rule.path, str) or rule.path.partition("/")[0] in NOT_HERE:
            continue
        path = os.path.join(root, rule.path.rstrip(":"))
        if not os.path.exists(path):
            found.append(rule.path)
        elif rule.functions and os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                source = file.read()
            found += [f"{rule.path}:{name}" for name in rule.functions if f"def {name}(" not in source]
    return found


def test_every_file_and_function_that_a_rule_names_is_there():
    """A new version of torch that moves one is noticed here."""
    assert missing(RULES) == []


def test_a_file_or_function_that_has_moved_is_noticed():
    moved = [
        Rule("torch/_moved/", Activity.TRACING),
        Rule("torch/_tensor.py", Activity.BACKWARD, functions=("backward", "moved")),
    ]
    assert missing(moved) == ["torch/_moved/", "torch/_tensor.py:moved"]
