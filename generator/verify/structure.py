"""What the form of an expression says about its selectors: guards, and one name instead of another.

`new or old` needs only one of the two. `errors or 0 * requests` needs both: the zero would hide
that the errors were never found.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from generator.verify.expression import Binary, Call, Node, Number, Selector, Text, children

_ABSENCE = frozenset({"absent", "absent_over_time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A selector in its place: whether another one stands in for it, or it only guards."""

    selector: Selector
    excused: bool
    guard: bool


def answers(node: Node, alive: Callable[[Selector], bool]) -> bool:
    """Whether the expression can yield anything."""
    match node:
        case Selector():
            return alive(node)
        case Call() if node.function in _ABSENCE:
            return True
        case Binary(operator="or"):
            return answers(node.left, alive) or answers(node.right, alive)
        case Binary(operator="unless"):
            return answers(node.left, alive)
    return all(answers(child, alive) for child in children(node))


def seen(
    node: Node,
    alive: Callable[[Selector], bool],
    *,
    excused: bool = False,
    guard: bool = False,
) -> Iterator[Seen]:
    """Every selector, with what its surroundings say about it."""
    match node:
        case Selector():
            yield Seen(selector=node, excused=excused, guard=guard)
        case Binary(operator="or") if alternatives(node.left, node.right):
            left, right = answers(node.left, alive), answers(node.right, alive)
            yield from seen(node.left, alive, excused=excused or right, guard=guard)
            yield from seen(node.right, alive, excused=excused or left, guard=guard)
        case Binary(operator="unless"):
            yield from seen(node.left, alive, excused=excused, guard=guard)
            yield from seen(node.right, alive, excused=excused, guard=True)
        case Call() if node.function in _ABSENCE:
            for child in node.arguments:
                yield from seen(child, alive, excused=excused, guard=True)
        case _:
            for child in children(node):
                yield from seen(child, alive, excused=excused, guard=guard)


def alternatives(left: Node, right: Node) -> bool:
    """Whether the two sides of an `or` are two names of one thing.

    They are not where one is only a zero, or where each is given another label value: those are
    parts that stand side by side.
    """
    if _is_fallback(left) or _is_fallback(right):
        return False
    ours, theirs = _given(left), _given(right)
    return all(ours[label] & theirs[label] for label in ours.keys() & theirs.keys())


def _is_fallback(node: Node) -> bool:
    match node:
        case Number():
            return True
        case Call(function="vector"):
            return True
        case Call(function="label_replace" | "label_join"):
            return _is_fallback(node.arguments[0])
        case Binary(operator="*"):
            zero = Number(value=0)
            return zero in (node.left, node.right) or _is_fallback(node.left)
        case Binary(operator="or"):
            return _is_fallback(node.left) and _is_fallback(node.right)
    return False


def _given(node: Node) -> dict[str, set[str]]:
    """Label values that the expression itself writes, by label."""
    found: dict[str, set[str]] = {}
    if isinstance(node, Call) and node.function == "label_replace":
        texts = [part.value for part in node.arguments if isinstance(part, Text)]
        found = _given(node.arguments[0])
        if len(texts) > 1 and "$" not in texts[1]:
            found.setdefault(texts[0], set()).add(texts[1])
    elif isinstance(node, Binary) and node.operator == "or":
        left, right = _given(node.left), _given(node.right)
        found = {label: left[label] | right[label] for label in left.keys() & right.keys()}
    elif isinstance(node, Binary) and node.operator == "*":
        found = _given(node.left)
    return found
