"""A program that ends by an error in a backward, with all that Python does at its end."""

import atexit
import sys
import threading

import torch


class Fails(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x * 2

    @staticmethod
    def backward(context, grad):
        raise ValueError("the gradient is odd")


class Late:
    def __del__(self):
        print("freed", threading.active_count(), flush=True)


def hook(kind, value, tb):
    print("hook", value, flush=True)
    sys.__excepthook__(kind, value, tb)


def train():
    x = torch.ones(2, requires_grad=True)
    for _ in range(50):
        (x * 2).sum().backward()
    Fails.apply(x).sum().backward()


late = Late()
sys.excepthook = hook
atexit.register(print, "atexit")
threading._register_atexit(print, "threads end")
print(torch.ones(1), sys.flags.optimize, sys.flags.dev_mode, sys.warnoptions)
assert not sys.flags.optimize, "not optimized"
train()
