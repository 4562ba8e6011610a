"""Stops inside TorchScript: in what `torch.jit.script` and `torch.jit.trace` made, or a file brought.

Importing it imports neither torch nor the parts that do the work.
"""

from tracedbg.adapters.torch_script.walk.walker import TorchScriptWalker

__all__ = ["TorchScriptWalker"]
