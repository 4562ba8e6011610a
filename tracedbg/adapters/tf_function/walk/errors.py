"""The error of an op that was run alone, as the graph would have raised it. It must not know walks."""

from __future__ import annotations

import re
from typing import Any

_ALONE = re.compile(r"^\{\{function_node __wrapped__[^}]*\}\} ?")
_OP = re.compile(r" \[Op:[^\]]*\](?: name: .*)?$")


def tell_as_graph(error: Any, root: str, function: str, node: str) -> None:
    """Give an error the message that TensorFlow gives for a node inside of a function.

    TensorFlow puts the stack of the node before it, by the names in it.

    Args:
        error: a `tf.errors.OpError`, as raised by one op.
        root: the function that was called.
        function: the function that the node is in, which `root` may have called.
        node: its name.
    """
    text = _OP.sub("", _ALONE.sub("", error.message))
    if "[[{{" in text:  # it comes from a function that TensorFlow ran
        message = f"{{{{function_node {root}}}}} {text} [Op:{root}]"
    else:
        within = "" if function == root else f"{{{{function_node {function}}}}}"
        message = f"{{{{function_node {root}}}}} {text}\n\t [[{within}{{{{node {node}}}}}]] [Op:{root}]"
    error._message = message  # where TensorFlow itself puts the message with the stack
