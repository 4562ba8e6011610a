"""What torch.compile does with a program: compiles, recompiles and why, graph breaks, limits.

Importing it imports neither torch nor the parts that do the work.
"""

from tracedbg.adapters.torch_compile.adapter import TorchCompileAdapter

__all__ = ["TorchCompileAdapter"]
