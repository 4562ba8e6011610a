"""Tests with retracing budgets. Run: pytest docs/examples/budgets"""

import pytest

torch = pytest.importorskip("torch")


@torch.compile(backend="eager")
def train_step(batch, lr):
    return (batch * lr).sum()


@pytest.mark.max_retraces(0)
def test_a_schedule_of_learning_rates_does_not_recompile():
    for lr in (torch.tensor(0.1), torch.tensor(0.05), torch.tensor(0.01)):
        train_step(torch.ones(8), lr)


@pytest.mark.max_graph_breaks(0)
@pytest.mark.no_silent_eager
def test_one_graph_and_all_of_it_compiled():
    train_step(torch.ones(8), torch.tensor(0.1))


def test_nothing_is_traced_after_the_warm_up(tracedbg):
    with tracedbg.warmup():
        train_step(torch.ones(8), torch.tensor(0.1))
    with tracedbg.steady_state():
        for _ in range(10):
            train_step(torch.ones(8), torch.tensor(0.1))
