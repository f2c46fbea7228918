"""Differences from the oracle that are known, each with its reason and a test that is as narrow as can be.

Where it can be done, the test asks again: with what is known to differ written in another way, the two must agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from conformance.cel.failures import codes
from conformance.cel.runner import Outcome, evaluated
from conformance.cel.values import same
from engine.cel import Checked, Node, Trace, check, trace
from engine.cel.syntax import Macro, children

_SAME = (
    frozenset({"range", "end_of_text", "overflow", "out_of_range"}),
    frozenset({"conversion", "overflow", "bad_argument"}),
)
_INT64_NANOSECONDS = timedelta(microseconds=2**63 // 1000)
_ROUNDING = re.compile(r"math\.(?:ceil|floor|round)\(")
_EXPONENT = re.compile(r"\de\+\d")


def agree(ours: Outcome, theirs: Outcome) -> bool:
    """Whether two outcomes are the same value, or errors that tell the same; theirs tells less in some cases."""
    if ours.code is None or theirs.code is None:
        return ours.code == theirs.code and same(ours.value, theirs.value)
    return _same_error(ours.code, theirs.code)


def _same_error(ours: str, theirs: str) -> bool:
    return ours == theirs or any({ours, theirs} <= group for group in _SAME)


@dataclass(frozen=True, slots=True)
class Question:
    """A difference: an expression, its values, both outcomes, and a way to have the oracle evaluate another text."""

    checked: Checked
    values: Mapping[str, Any]
    ours: Outcome
    theirs: Outcome
    oracle: Callable[[str, Mapping[str, Any]], Outcome | None]

    def agree_on(self, text: str) -> bool:
        """Whether both agree on another text over the same values."""
        checked, theirs = check(text, self.checked.scope), self.oracle(text, self.values)
        if checked.problems or theirs is None:
            return False
        return agree(evaluated(lambda e: trace(checked, e).value, self.values), theirs)

    def parts(self) -> Iterator[Trace]:
        """Every sub-expression as it was evaluated."""
        pending = [trace(self.checked, self.values)]
        while pending:
            found = pending.pop()
            yield found
            pending.extend(found.children)


def explanation(question: Question) -> str | None:
    """Why the two differ, or None when nobody knows."""
    return next(_reasons(question), None)


def _reasons(question: Question) -> Iterator[str]:
    text, ours, theirs = question.checked.text, question.ours, question.theirs
    if theirs.code == "end_of_text":
        yield "the oracle refuses a substring that begins or ends at the end of its text (the suite allows it)"
    if theirs.code == "refused" and question.agree_on(text.replace("[]", "dyn([])")):
        yield "the oracle cannot tell the type of an empty list's items; with `dyn([])` it agrees"
    if "cel.bind(" in text and question.agree_on(_unbound(question.checked.node)):
        yield "the oracle mixes up the variables of `cel.bind`; with `[x].map(v, …)[0]` in its place it agrees"
    if "/%d'.format(" in text and question.agree_on(text.replace("/%d'.format(", "/%.1f'.format(")):
        yield "`%d` of a double has no digits behind the point here, or is refused; it is written with six there"
    if theirs.code == "type_mismatch" and _ROUNDING.search(text):
        yield "a whole number is its own ceiling, floor and rounding"
    if ours.code is None and theirs.code == "type_mismatch" and " in ms)" in text:
        yield "what can be no key is in no map here; the oracle refuses the question"
    if theirs.code == "range" and any(_is_long(part.result) for part in question.parts()):
        yield "durations reach ±10,000 years here, and ±292 there"
    if "string(" in text and _EXPONENT.search(str(theirs.value)):
        yield "a double from 1e15 on as text: digits here, an exponent there"
    if any(".split(" in part.text and part.result == [] for part in question.parts()):
        yield "an empty text split by an empty text has no parts here (as in Go), and one there"
    if _tells_another(question):
        yield "several parts fail; the standard leaves open which failure is told"


def _is_long(value: Any) -> bool:
    return isinstance(value, timedelta) and abs(value) > _INT64_NANOSECONDS


def _tells_another(question: Question) -> bool:
    told = question.theirs.code
    if question.ours.code is None or told is None:
        return False
    return any(_same_error(code, told) for code in codes(question.checked, question.values))


def _unbound(node: Node) -> str:
    """The text of a tree with every `cel.bind(v, x, body)` written as `[x].map(v, body)[0]`."""
    if isinstance(node, Macro) and node.kind == "bind":
        return f"[{_unbound(node.target)}].map({node.variables[0]}, {_unbound(node.bodies[0])})[0]"
    pieces: list[str] = []
    position = node.start
    for child in sorted(children(node), key=lambda child: child.start):
        pieces += [node.source[position : child.start], _unbound(child)]
        position = child.end
    return "".join([*pieces, node.source[position : node.end]])
