"""Takes the program's own values out of events before they are recorded; what has a name in its code stays.

What is left is told in SECURITY.md. An event or a form of text that is not known here is left out rather than
let through. A value becomes the name of its type and a mark (`int_3fa2c1`): two marks are equal exactly if
the values are, so that a cause still says that `n` changed. The mark is keyed by a number that is recorded
nowhere. It must not know frameworks, nor how events are stored.
"""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from tracedbg import events as ev
from tracedbg import ran
from tracedbg.kernels import KernelsSeen
from tracedbg.redaction import LEFT_OUT
from tracedbg.redaction.guards import Expressions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracedbg.kernels import Kernel

_MARK_BYTES = 3
_EXACT_DIGITS = 15
"""Whole numbers of so many are exact as floats."""
_TENSOR = re.compile(
    r"(?:[\w.]+ )?(?:bool|bfloat16|(?:float|int|uint|complex)\d+\w*)\[[\d, ?s]*\]"
    r"(?: (?:stride|device|requires_grad|keys|layout)=[\w\[\](),: ]+)*"
)
_KEPT_WORDS = re.compile(
    r"None|True|False|\.\.\.|<[A-Za-z_][\w.]*>|(?:module )?[A-Za-z_][\w.]*"
    r"|(?:code of|function|method) [\w.<>]+ \([\w.<>-]+:\d+\)|length \d+|empty|absent|present"
)
"""What no value can read like: text stands in quotes, numbers begin with a digit."""
_OP = re.compile(
    r"[A-Za-z_]\w*(?:(?:::|\.)[A-Za-z_]\w*)+|[A-Z][A-Za-z0-9]*|placeholder|output|get_attr", re.ASCII
)
"""`aten::mm`, `torch.relu`, `MatMul`: what a framework has; a name alone may be one that the program gave."""
_PART = re.compile(r"cond|body|then|else|branch \d+|\w+_graph_\d+|\w+_body_\d+", re.ASCII)
_FREE_NUMBER = re.compile(r"\b(int|float|bool|complex) [^,)]+|\b(Sym\w+) (?!s\d+\b)[^,)]+")
_OUTPUT = re.compile(r"(?:[(), ?]|\.\.\.|[A-Za-z_]\w*(?:\[[\d, ?s]*\])?|s\d+)*")
_CONTEXT = ("scope_type", "parent_graph", "in_cross_replica_context", "variable_policy", "xla_context")
_DETAILS = (
    "device", "layout", "stride", "strides", "memory_format", "requires_grad", "trainable", "ragged_rank",
    "row_splits_dtype",
)  # fmt: skip
_OPTIONS = (
    "dynamic",
    "fullgraph",
    "mode",
    "backend",
    "jit_compile",
    "reduce_retracing",
    "autograph",
    "strict",
)


class Redactor:
    """Makes of each event one that may be recorded. Safe in one thread at a time."""

    def __init__(self, key: str) -> None:
        self._key = blake2s(key.encode()).digest()
        self._expressions = Expressions(self.mark, self.value)
        self._kinds: dict[ran.OpKind, ran.OpKind] = {}
        self._handlers: dict[type, Callable[[Any], Any]] = {
            ev.TraceStarted: self._started,
            ev.TraceEnded: self._ended,
            ev.GraphMade: lambda event: replace(event, sites=self._sites(event.sites)),
            ev.Conversion: lambda event: replace(
                event, source="", generated="", line_map=(), failure=_first_word(event.failure)
            ),
            ev.GraphBreak: lambda event: replace(event, kind=_sentence(event.kind), reason="", ran_eager=""),
            ev.Fallback: self._fallback,
            ev.Stale: self._stale,
            ev.Stopped: lambda event: replace(event, text="", op=self._op(event.op)),
            ev.Fault: lambda event: replace(event, message=_fault(event.message)),
            ran.StepGraph: lambda event: replace(event, sites=self._sites(event.sites)),
            ran.OpsSeen: self._ops,
            KernelsSeen: lambda event: replace(
                event, kernels=tuple(map(self._kernel, event.kernels)), note=_sentence(event.note)
            ),
        }
        for kind in (
            ev.PhaseSpan, ev.CacheHits, ev.Construct, ev.Calls, ev.FrameworkSeen, ran.StepsSeen,
            ran.SamplesSeen,
            ran.Stayed,
        ):  # fmt: skip
            self._handlers[kind] = lambda event: event

    def event(self, event: Any) -> Any:
        """The event as it may be recorded.

        Raises:
            KeyError: it is of a kind that is not known here.
        """
        return self._handlers[type(event)](event)

    def mark(self, text: str, kind: str = "") -> str:
        """What stands for a value: the name of its type, and the mark of its text."""
        if not kind:
            try:
                kind = type(ast.literal_eval(text)).__name__
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                kind = "value"
        told = blake2s(text.encode("utf-8", "backslashreplace"), key=self._key, digest_size=_MARK_BYTES)
        return f"{kind}_{told.hexdigest()}"

    def value(self, text: str) -> str:
        """A value in words: shapes, dtypes, types and names of code stay."""
        if not text or _TENSOR.fullmatch(text) or _KEPT_WORDS.fullmatch(text):
            return text
        return self.mark(text)

    # --- what a call looked like ---------------------------------------------------------------

    def _started(self, event: ev.TraceStarted) -> ev.TraceStarted:
        return replace(
            event,
            signature=self._signature(event.signature),
            guard_failures=tuple(map(self._expressions.failure, event.guard_failures)),
            options=tuple((self._argument(name), self._option(name, text)) for name, text in event.options),
            inputs=tuple((self._expressions.source(name), self.value(text)) for name, text in event.inputs),
        )

    def _ended(self, event: ev.TraceEnded) -> ev.TraceEnded:
        return replace(
            event,
            error=_first_word(event.error),
            traced_signature=self._signature(event.traced_signature),
            symbolic=tuple(map(self._expressions.source, event.symbolic)),
        )

    def _option(self, name: str, text: str) -> str:
        is_kept = name in _OPTIONS and _KEPT_WORDS.fullmatch(text.replace("-", "_").strip("'"))
        return text if is_kept else self.mark(text)

    def _fallback(self, event: ev.Fallback) -> ev.Fallback:
        failures = tuple(map(self._expressions.failure, event.guard_failures))
        return replace(event, reason=ev.FALLBACKS.get(event.kind, ""), guard_failures=failures)

    def _stale(self, event: ev.Stale) -> ev.Stale:
        name = self._expressions.spoken(event.name)
        return replace(event, name=name, then=self.value(event.then), now=self.value(event.now))

    def _signature(self, signature: ev.Signature | None) -> ev.Signature | None:
        if signature is None:
            return None
        arguments = tuple((self._argument(name), self._spec(spec)) for name, spec in signature.arguments)
        context = tuple(
            (self._argument(name), text if name in _CONTEXT or not text else self.mark(text, "value"))
            for name, text in signature.context
        )
        return ev.Signature(arguments, context)

    def _argument(self, name: str) -> str:
        return name if re.fullmatch(r"\*{0,2}\w+(?:\[\d+\])?", name) else self.mark(name, "name")

    def _spec(self, spec: ev.Spec) -> ev.Spec:
        match spec:
            case ev.TensorSpec():
                details = tuple(
                    (self._argument(name), text if name in _DETAILS else self.mark(text, "value"))
                    for name, text in spec.details
                )
                return replace(spec, details=details)
            case ev.ValueSpec(type_name, text):
                is_kept = type_name in ("NoneType", "bool", "ellipsis") and _KEPT_WORDS.fullmatch(text)
                return spec if is_kept else replace(spec, text=self._number_or_mark(type_name, text))
            case ev.ObjectSpec():
                return replace(spec, text=spec.text if _is_function(spec.text) else "")
            case ev.SequenceSpec():
                return replace(spec, items=tuple(map(self._spec, spec.items)))
            case ev.MappingSpec():
                keys = spec.keys if spec.is_record else tuple(map(self._dict_key, spec.keys))
                return replace(spec, keys=keys, items=tuple(map(self._spec, spec.items)))
            case ev.OpaqueSpec():
                return replace(spec, text=self.mark(spec.text, "value") if spec.text else "")

    def _number_or_mark(self, type_name: str, text: str) -> str:
        """Equal numbers have equal marks, as they are one key: 1 and 1.0."""
        if type_name in ("int", "float") and len(text) <= _EXACT_DIGITS:
            with suppress(ValueError):
                text = repr(float(text))
        return self.mark(text, re.sub(r"\W", "_", type_name))

    def _dict_key(self, key: str) -> str:
        mark = self.mark(key)
        return f"'{mark}'" if key[:1] in "'\"" else mark

    # --- graphs, ops and kernels ---------------------------------------------------------------

    def _sites(self, sites: tuple[ev.OpSite, ...]) -> tuple[ev.OpSite, ...]:
        """Nodes are named after arguments, keys and what the program calls them: after their op instead."""
        names: dict[str, str] = {}
        found = []
        for number, site in enumerate(sites):
            op = self._op(site.op)
            owner, _, part = site.inside.rpartition("/")
            inside = (
                f"{names.get(owner, 'op')}/{part if _PART.fullmatch(part) else 'part'}" if site.inside else ""
            )
            stem = re.sub(r"\W+", "_", op.rpartition(".")[2] or op)
            names[site.name] = name = f"{inside}/{stem}_{number}" if inside else f"{stem}_{number}"
            inputs = tuple(self._input(one, names) for one in site.inputs)
            output = _FREE_NUMBER.sub(lambda match: match[1] or match[2], site.output)
            output = output if _OUTPUT.fullmatch(output) else ""
            found.append(site._replace(name=name, op=op, inputs=inputs, inside=inside, output=output))
        return tuple(found)

    def _input(self, name: str, names: dict[str, str]) -> str:
        if name in names:
            return names[name]
        base, _, at = name.rpartition(":")
        return f"{names[base]}:{at}" if base in names and at.isdigit() else "other"

    def _op(self, name: str) -> str:
        return name if not name or _OP.fullmatch(name) else self.mark(name, "op")

    def _ops(self, event: ran.OpsSeen) -> ran.OpsSeen:
        totals: Sequence[ran.OpTotal]
        if isinstance(event.totals, ran.OpColumns):
            kinds = event.totals.kinds
            totals = replace(event.totals, kinds={one: self._kind(kinds[one]) for one in event.totals.kind})
        else:
            totals = tuple(replace(one, kind=self._kind(one.kind)) for one in event.totals)
        rows = event.rows
        if rows is not None:
            rows = replace(rows, kinds=tuple(map(self._kind, rows.kinds)))
        return replace(event, totals=totals, rows=rows, note=_sentence(event.note))

    def _kind(self, kind: ran.OpKind) -> ran.OpKind:
        """The same object for the same kind: they are told apart by identity."""
        found = self._kinds.get(kind)
        if found is None:
            found = self._kinds[kind] = replace(kind, name=self._op(kind.name))
        return found

    def _kernel(self, kernel: Kernel) -> Kernel:
        op = self._op(kernel.op)
        is_op = kernel.name == kernel.op
        return kernel._replace(name=op if is_op else self._op(kernel.name), op=op, launch=None)


def _first_word(error: str) -> str:
    """The class of an error, without what it says."""
    found = re.match(r"[A-Za-z_][\w.]*(?=:|$)", error)
    return f"{found[0]}: {LEFT_OUT}" if found else (LEFT_OUT if error else "")


def _fault(message: str) -> str:
    """What is wrong with us: that a name of a framework's has moved says nothing of the program."""
    return message if message.startswith("MovedError: ") else _first_word(message)


def _sentence(text: str) -> str:
    """Words of ours or of a framework's; left out where there is anything quoted in them."""
    return text if re.fullmatch(r"[\w\s.,;:()/+-]*", text, re.ASCII) else LEFT_OUT


def _is_function(text: str) -> bool:
    return re.fullmatch(r"[\w.<>]+(?: \([\w.<>-]+:\d+\))?", text) is not None
