"""What TorchScript does with a program: script and trace compiles, and what tracing takes for good.

Importing it imports neither torch nor the parts that do the work.
"""

from tracedbg.adapters.torch_script.adapter import TorchScriptAdapter

__all__ = ["TorchScriptAdapter"]
