"""Where traced code first computes something else than the same code run eagerly.

An adapter runs one call in several ways and notes what each op made; here the notes are put side by side. It
must not know any framework: values stay what they are, and a `Tensors` tells how two of them differ.
"""

from tracedbg.compare.records import Comparison, OpRecord, StepDifference, Verdict
from tracedbg.compare.steps import Limits, compare_steps, judge

__all__ = ["Comparison", "Limits", "OpRecord", "StepDifference", "Verdict", "compare_steps", "judge"]
