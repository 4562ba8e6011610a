"""PyTorch's own tests that its wheel brings: its tests of modules, and its checks of its samples of ops.

Collected by pytest where it is named (`foreign_suites.py` does); the bodies of the tests are PyTorch's.
"""

import functools
import unittest

import torch
from torch.fx.passes.tests.test_pass_manager import TestPassManager
from torch.testing._internal import common_nn, common_utils, composite_compliance, optests
from torch.testing._internal.common_device_type import instantiate_device_type_tests, ops
from torch.testing._internal.common_jit import check_against_reference
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_utils import freeze_rng_state
from torch.testing._internal.jit_metaprogramming_utils import create_traced_fn
from torch.testing._internal.jit_utils import JitTestCase

__all__ = ["TestModules", "TestPassManager"]
common_utils.GRAPH_EXECUTOR = common_utils.cppProfilingFlagsToProfilingMode()  # as its command line does
NAMES = [
    "add",
    "addmm",
    "amax",
    "baddbmm",
    "bmm",
    "cat",
    "cholesky",
    "clamp",
    "conj",
    "cos",
    "cumsum",
    "diag",
    "einsum",
    "exp",
    "gather",
    "index_select",
    "inverse",
    "kron",
    "linalg.solve",
    "log",
    "logsumexp",
    "masked_fill",
    "matmul",
    "mean",
    "mul",
    "nn.functional.conv2d",
    "nn.functional.gelu",
    "nn.functional.layer_norm",
    "nn.functional.linear",
    "nn.functional.mse_loss",
    "nn.functional.scaled_dot_product_attention",
    "nn.functional.softmax",
    "norm",
    "outer",
    "pow",
    "prod",
    "roll",
    "scatter",
    "sigmoid",
    "sin",
    "sort",
    "split",
    "sqrt",
    "stack",
    "sum",
    "svd",
    "tanh",
    "transpose",
    "triu",
    "unbind",
    "var",
    "view",
    "where",
]
CHOSEN = [op for op in op_db if op.name in NAMES and not op.variant_test_name]
SAMPLES = 2
"""Of each op, and check: PyTorch has up to hundreds."""


def samples(op, device, dtype, **how):
    for count, sample in enumerate(op.sample_inputs(device, dtype, requires_grad=True, **how)):
        if count == SAMPLES:
            return
        yield sample, (sample.input, *sample.args), sample.kwargs


def differentiable(test):
    @functools.wraps(test)
    def run(self, device, dtype, op):
        if not op.supports_autograd:
            raise unittest.SkipTest("no gradient")
        return test(self, device, dtype, op)

    return run


def check_gradients(op, sample, args, kwargs):
    if not isinstance(sample.input, torch.Tensor):
        raise unittest.SkipTest("takes a list of tensors")

    def call(*given):
        return sample.output_process_fn_grad(op.gradcheck_wrapper(op, *given, **kwargs))

    torch.autograd.gradcheck(call, args, check_batched_grad=op.check_batched_grad, fast_mode=True)


class TestOps(JitTestCase):
    """As `test_ops.py`, `test_ops_jit.py`, `test_ops_gradients.py` and `test_proxy_tensor.py` call them."""

    @ops(CHOSEN, allowed_dtypes=[torch.float32])
    def test_composite_compliance(self, device, dtype, op):
        for _, args, kwargs in samples(op, device, dtype):
            composite_compliance.check_with_mode(op, args, kwargs, self.assertEqual)
            composite_compliance.check_all_permutations(op, args, kwargs, self.assertEqual)

    @ops(CHOSEN, allowed_dtypes=[torch.float32])
    @differentiable
    def test_backward_compliance(self, device, dtype, op):
        for sample, args, kwargs in samples(op, device, dtype):
            composite_compliance.check_backward_formula(
                op.get_op(),
                args,
                kwargs,
                sample.output_process_fn_grad,
                op.gradcheck_wrapper,
                self.assertEqual,
            )

    @ops(CHOSEN, allowed_dtypes=[torch.float64])
    @differentiable
    def test_gradients(self, device, dtype, op):
        for sample, args, kwargs in samples(op, device, dtype):
            check_gradients(op, sample, args, kwargs)

    @ops(CHOSEN, allowed_dtypes=[torch.float32])
    @differentiable
    def test_traced_function_agrees_with_eager(self, device, dtype, op):
        for sample, args, kwargs in samples(op, device, dtype):
            traced = create_traced_fn(self, op)
            check_against_reference(
                self, traced, op.get_op(), sample.output_process_fn_grad, args, kwargs, no_grad=True
            )

    @ops(CHOSEN, allowed_dtypes=[torch.float32])
    def test_fake_tensors(self, device, dtype, op):
        for _, args, kwargs in samples(op, device, dtype):
            optests.fake_check(op.get_op(), args, kwargs)

    @ops(CHOSEN, allowed_dtypes=[torch.float32])
    def test_proxy_tensors(self, device, dtype, op):
        for _, args, kwargs in samples(op, device, dtype):
            optests.make_fx_check(op.get_op(), args, kwargs, "symbolic", self.assertEqual)

    @ops(CHOSEN, allowed_dtypes=[torch.float32])
    def test_compiled(self, device, dtype, op):
        for _, args, kwargs in samples(op, device, dtype):
            compiled = torch.compile(lambda *given, **named: op(*given, **named), backend="aot_eager")
            self.assertEqual(compiled(*args, **kwargs), op(*args, **kwargs))  # noqa: PT009  PyTorch's own
        torch._dynamo.reset()


instantiate_device_type_tests(TestOps, globals(), only_for="cpu")


class TestModules(common_nn.NNTestCase):
    """As `test_nn.py` makes them, and tells them how modules are called."""

    def _forward(self, module, given):
        with freeze_rng_state():
            return module(*given) if isinstance(given, tuple) else module(given)

    def _backward(self, module, given, output, grad_output, create_graph=False):
        output.backward(grad_output, retain_graph=True, create_graph=create_graph)
        if isinstance(given, tuple):
            return tuple(one.grad.data if one.grad is not None else None for one in given)
        return given.grad.data if given.grad is not None else None

    def _forward_criterion(self, criterion, given, target, extra_args=()):
        return criterion(*(given if isinstance(given, tuple) else (given,)), target, *extra_args)

    def _backward_criterion(self, criterion, given, output, target, gradOutput=None, extra_args=()):
        several = given if isinstance(given, tuple) else (given,)
        for one in several:
            if one.grad is not None:
                one.grad.data.zero_()
        output = criterion(*several, target, *extra_args)
        output.backward(torch.ones(()).type_as(output) if gradOutput is None else gradOutput)
        found = tuple(one.grad.data for one in several)
        return found if isinstance(given, tuple) else found[0]

    def _zero_grad_parameters(self, module):
        for parameter in module.parameters():
            if parameter.grad is not None:
                parameter.grad.detach_().zero_()

    def _get_parameters(self, module):
        parameters = list(module.parameters())
        return parameters, [parameter.grad for parameter in parameters]


def made(kind, about):
    named = {"constructor": getattr(torch.nn, about["module_name"])} if "module_name" in about else {}
    return kind(**{**named, **about})


def add_tests():
    tests = [
        *(
            made(common_nn.NewModuleTest, one)
            for one in common_nn.get_new_module_tests() + common_nn.module_tests
        ),
        *(made(common_nn.CriterionTest, one) for one in common_nn.criterion_tests),
    ]
    for test in tests:
        setattr(TestModules, test.get_name(), lambda self, test=test: test(self))


add_tests()
