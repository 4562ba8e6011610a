"""What torch's modules say of a thread: data for `tracedbg.activities`, which needs no torch to be read.

They name torch's own files and functions: for torch 2.7 to 2.15; `tests/adapters/torch/test_activities.py`
fails when one of them moves.
"""

from __future__ import annotations

import re

from tracedbg.activities import Activity, Reach, Rule

_AOT = "torch/_functorch/_aot_autograd/"
_AOT_GENERATED = re.compile(r"torch/_functorch/_aot_autograd/(subclass_)?codegen\.py:")
"""Code that AOTAutograd has written goes by the name of the file that wrote it: since 2.14 `codegen.py`."""
RULES: tuple[Rule, ...] = (
    # Running what was compiled.
    Rule(re.compile(r"/[a-z0-9]{2}/c[a-z0-9]{50,}\.py$"), Activity.COMPILED, "Inductor", Reach.LIBRARIES),
    Rule(re.compile(r"^<eval_with_key>"), Activity.COMPILED, "graph", Reach.LIBRARIES),
    Rule("torch/_inductor/output_code.py", Activity.COMPILED, "Inductor", Reach.LIBRARIES, ("__call__",)),
    Rule("torch/_inductor/cudagraph_trees.py", Activity.COMPILED, "CUDA graphs", Reach.LIBRARIES),
    Rule(
        "torch/_inductor/runtime/",
        Activity.COMPILED,
        "Inductor",
        Reach.LIBRARIES,
        ("run", "launcher", "call"),
    ),
    Rule(
        f"{_AOT}runtime_wrappers.py",
        Activity.COMPILING,
        "AOTAutograd",
        Reach.ALL,
        ("pre_compile", "post_compile", "get_or_compile", "build"),
    ),
    Rule(f"{_AOT}runtime_wrappers.py", Activity.COMPILED, "AOTAutograd", Reach.LIBRARIES),
    Rule(_AOT_GENERATED, Activity.COMPILED, "AOTAutograd", Reach.LIBRARIES),
    Rule("torch/_dynamo/eval_frame.py", Activity.COMPILED, "guards", functions=("compile_wrapper",)),
    # Called while compiling and while running: their callers tell which.
    Rule(f"{_AOT}utils.py", None),
    Rule("torch/_functorch/aot_autograd.py", None, functions=("forward",)),
    Rule("torch/_inductor/utils.py", None),
    Rule("torch/_dynamo/eval_frame.py", None),
    Rule("torch/_dynamo/external_utils.py", None),
    Rule("torch/_dynamo/decorators.py", None),
    Rule("torch/_dynamo/backends/", None),
    Rule("torch/_dynamo/utils.py", None),
    Rule("torch/_compile.py", None),
    # Tracing and compiling.
    Rule("torch/_dynamo/", Activity.TRACING, "Dynamo", Reach.ALL),
    Rule(_AOT, Activity.COMPILING, "AOTAutograd", Reach.ALL),
    Rule("torch/_functorch/aot_autograd.py", Activity.COMPILING, "AOTAutograd", Reach.ALL),
    Rule("torch/_functorch/partitioners.py", Activity.COMPILING, "AOTAutograd", Reach.ALL),
    Rule("torch/_inductor/", Activity.COMPILING, "Inductor", Reach.ALL),
    Rule("triton/compiler/", Activity.COMPILING, "Triton", Reach.ALL),
    Rule(
        "triton/backends/", Activity.COMPILING, "Triton", Reach.ALL, ("make_cubin", "make_hsaco", "make_ptx")
    ),
    Rule("torch/jit/_script.py", Activity.TRACING, "TorchScript", Reach.ALL, ("script", "_script_impl")),
    Rule(
        "torch/jit/_trace.py",
        Activity.TRACING,
        "TorchScript",
        Reach.ALL,
        ("trace", "_trace_impl", "trace_module"),
    ),
    Rule("torch/jit/_recursive.py", Activity.TRACING, "TorchScript", Reach.ALL),
    Rule("torch/jit/frontend.py", Activity.TRACING, "TorchScript", Reach.ALL),
    Rule("torch/export/_trace.py", Activity.TRACING, "export", Reach.ALL),
    Rule("torch/fx/_symbolic_trace.py", Activity.TRACING, "FX", Reach.ALL, ("trace", "symbolic_trace")),
    # Data.
    Rule(
        "torch/utils/data/dataloader.py",
        Activity.DATA_LOADING,
        "waiting for a worker",
        Reach.ALL,
        ("_try_get_data", "_get_data"),
    ),
    Rule("torch/utils/data/_utils/worker.py", Activity.DATA_LOADING, "worker", Reach.ALL),
    Rule("torch/utils/data/_utils/pin_memory.py", Activity.DATA_LOADING, "pinning memory", Reach.ALL),
    Rule("torch/utils/data/", Activity.DATA_LOADING, "DataLoader", Reach.ALL),
    # Eager.
    Rule(
        "torch/autograd/graph.py", Activity.BACKWARD, "autograd", Reach.LIBRARIES, ("_engine_run_backward",)
    ),
    Rule("torch/autograd/__init__.py", Activity.BACKWARD, "autograd", Reach.LIBRARIES, ("backward", "grad")),
    Rule("torch/_tensor.py", Activity.BACKWARD, "autograd", Reach.LIBRARIES, ("backward",)),
    Rule("torch/optim/", Activity.EAGER_OPS, "optimizer", Reach.LIBRARIES),
    Rule("torch/distributed/distributed_c10d.py", Activity.EAGER_OPS, "collective", Reach.LIBRARIES),
    Rule("torch/distributed/elastic/", Activity.WAITING, "workers", Reach.LIBRARIES),
    Rule("torch/cuda/__init__.py", Activity.WAITING, "device", Reach.LIBRARIES, ("synchronize",)),
    Rule("torch/cuda/streams.py", Activity.WAITING, "device", Reach.LIBRARIES, ("synchronize", "wait")),
    Rule("torch/serialization.py", Activity.PYTHON, "loading or saving", Reach.LIBRARIES),
    Rule("torch/multiprocessing/", None),
    Rule("torch/", Activity.EAGER_OPS),
)
