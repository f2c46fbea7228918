"""Where expressions and templates become code: checked against a scope, every problem at its own place in the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.cel import (
    UNSET,
    CelError,
    Checked,
    Member,
    Node,
    OptionalType,
    RecordType,
    RefType,
    Scope,
    Type,
    check,
    compile_choice,
    compile_deadline,
    compile_deadlines,
    compile_expression,
    compile_ranking,
    compile_record,
    parse,
)
from engine.cel.operators import OPEN_IT
from engine.cel.syntax import path
from engine.core.program import Expression, Values
from engine.core.text import Template, Text
from engine.pack import plain
from engine.pack.model.base import Words
from engine.pack.reading import At

_BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_UNGUARDED = "unguarded_optional"


@dataclass(frozen=True, slots=True)
class Piece:
    """A text that is to become an expression: what it says, where, and how far into the scalar it begins."""

    text: str
    at: At
    offset: int = 0


def expression(
    piece: Piece,
    scope: Scope,
    expect: Type | None = None,
    *,
    given: Sequence[Expression] = (),
    absent: bool = False,
    deadlines: bool = False,
    kept: bool = False,
) -> Expression:
    """Check and compile. Problems go into the report, and what comes back then fails when it is run.

    With `absent`, an optional value that nothing guards makes the whole expression None instead of being a problem. With
    `deadlines`, time may only be used so that the engine can wake up for it. A value that is `kept`, sent or counted is plain data.
    """
    known = [one.checked for one in given]
    checked = check(piece.text, scope, expect, known, deadlines=deadlines)
    guards: list[Checked] = []
    if absent:
        checked, guards = _guarded(piece, checked, scope, expect, known, deadlines)
    if kept and not checked.problems:
        _refuse_whole(piece, checked)
    return compiled(checked, piece, guards)


def _refuse_whole(piece: Piece, checked: Checked) -> None:
    node = plain.whole(checked)
    if node is not None:
        start, end = node.start + piece.offset, node.end + piece.offset
        message = f"`{node.text}` as a whole is no value that can be kept or sent"
        of = checked.notes.types.get(node, checked.type)
        hint = OPEN_IT if isinstance(of, OptionalType) else "give one of its fields"
        piece.at.text_problem("not_a_value", message, start, end, hint)


def _guarded(
    piece: Piece, checked: Checked, scope: Scope, expect: Type | None, known: list[Checked], deadlines: bool
) -> tuple[Checked, list[Checked]]:
    guards: list[Checked] = []
    for _ in range(8):
        texts = [piece.text[one.start : one.end] for one in checked.problems if one.code == _UNGUARDED]
        declared = [text for text in dict.fromkeys(texts) if _is_declared(text, scope)]
        found = [check(f"has({text})", scope, given=[*known, *guards]) for text in declared]
        found = [guard for guard in found if not guard.problems]
        if not found:
            break
        guards += found
        checked = check(piece.text, scope, expect, [*known, *guards], deadlines=deadlines)
    return checked, guards


def _is_declared(text: str, scope: Scope) -> bool:
    """Whether a selection names declared fields only: a misspelt one must not pass for one that is absent."""
    names = path(parse(text))
    if names is None or names[0] not in scope.bindings:
        return False
    kind = scope.bindings[names[0]].type
    for name in names[1:]:
        record = scope.entities.get(kind.entity) if isinstance(kind, RefType) else kind
        if not isinstance(record, RecordType):
            return not isinstance(kind, RefType)
        if name not in record.fields:
            return False
        kind = record.fields[name].type
    return True


def compiled(checked: Checked, piece: Piece, guards: Sequence[Checked] = ()) -> Expression:
    """A checked expression as code, or, with its problems reported, as something that fails."""
    for problem in checked.problems:
        start, end = problem.start + piece.offset, problem.end + piece.offset
        hint = problem.hint
        if hint is None and problem.message.startswith("metrics by "):
            hint = "a metric belongs to one scope: what another one knows arrives as an emitted event"
        piece.at.text_problem(problem.code, problem.message, start, end, hint)
    place = piece.at.inside(piece.offset + checked.node.start)
    if checked.problems or any(guard.problems for guard in guards):
        return Expression(checked.node.text, place, _broken, checked, guards=tuple(guards))
    run = compile_expression(checked)
    if guards:
        run = _unless_absent(run, [compile_expression(guard) for guard in guards])
    return Expression(checked.node.text, place, run, checked, compile_deadline(checked), tuple(guards))


def together(pairs: Sequence[tuple[str, Expression]]) -> Values:
    """Named expressions as one function beside the many."""
    if any(_is_broken(one) for _, one in pairs):
        return Values(tuple(pairs), _broken)
    return Values(tuple(pairs), compile_record({name: Member(one.checked, one.guards) for name, one in pairs}))


def ranking(
    candidate: str, where: Expression | None, match: Sequence[Expression]
) -> Callable[[Any, Iterable[tuple[str, Any]]], list[tuple[str, Any, int]]]:
    """The conditions of a pop-up as one loop over its candidates."""
    if any(_is_broken(one) for one in (*match, *([where] if where is not None else []))):
        return _broken
    return compile_ranking(candidate, where.checked if where is not None else None, [one.checked for one in match])


def choice(options: Sequence[tuple[str, Expression]], otherwise: str) -> Callable[[Any], str]:
    """Conditions of which the first that holds counts, as one function."""
    if any(_is_broken(one) for _, one in options):
        return _broken
    return compile_choice([(name, one.checked) for name, one in options], otherwise)


def earliest(conditions: Sequence[Expression]) -> Callable[[Any], datetime | None] | None:
    """When time alone may change any of the conditions next."""
    if any(_is_broken(one) for one in conditions):
        return None
    return compile_deadlines([one.checked for one in conditions])


def _is_broken(one: Expression) -> bool:
    return bool(one.checked.problems) or any(guard.problems for guard in one.guards)


def _broken(*_: Any) -> Any:
    raise CelError("bad_argument", "the expression has mistakes")


def _unless_absent(run: Callable[[Any], Any], guards: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def guarded(env: Any) -> Any:
        return run(env) if all(guard(env) for guard in guards) else None

    return guarded


def part(whole: Expression, checked: Checked, piece: Piece) -> Expression:
    """A part of a sound expression as one of its own."""
    place = piece.at.inside(piece.offset + checked.node.start)
    if whole.checked.problems:
        return Expression(checked.node.text, place, _broken, checked)
    return Expression(checked.node.text, place, compile_expression(checked), checked, compile_deadline(checked))


def constant(piece: Piece, scope: Scope, expect: Type | None = None) -> Any:
    """The value of an expression over parameters alone, such as `params.min_n * 2`; UNSET when it has none."""
    found = expression(piece, scope, expect)
    try:
        return found.run(None)
    except CelError as failure:
        if not found.checked.problems:
            piece.at.text_problem("bad_value", failure.message, piece.offset, piece.offset + len(piece.text))
        return UNSET


def argument(node: Node, piece: Piece) -> Piece:
    """The piece of text that an argument of a call is."""
    return Piece(node.text, piece.at, piece.offset + node.start)


def words(model: Words | None, fallback: str = "") -> Text:
    """The text of a model, or a text that stands for it."""
    if model is None:
        return Text(fallback or None, fallback or None)
    return Text(model.zh, model.en)


def template(model: Words, at: At, scope: Scope) -> Template:
    """A text in which `{{ … }}` holds expressions, in each language that is given."""
    zh = None if model.zh is None else _parts(model.zh, at / "zh", scope)
    en = None if model.en is None else _parts(model.en, at / "en", scope)
    return Template(zh, en)


def text_template(text: str, at: At, scope: Scope) -> Template:
    """A template of one text for all languages."""
    return Template(_parts(text, at, scope), None)


def _parts(text: str, at: At, scope: Scope) -> tuple[str | Expression, ...]:
    found: list[str | Expression] = []
    end = 0
    for match in _BRACES.finditer(text):
        _stray(text, end, match.start(), at)
        if match.start() > end:
            found.append(text[end : match.start()])
        inner = match.group(1)
        if inner.strip():
            found.append(expression(Piece(inner, at, match.start(1)), scope, absent=True, kept=True))
        else:
            at.text_problem("template", "there is no expression between the braces", match.start(), match.end())
        end = match.end()
    _stray(text, end, len(text), at)
    if end < len(text):
        found.append(text[end:])
    return tuple(found)


def _stray(text: str, start: int, end: int, at: At) -> None:
    for braces, message in (("{{", "`{{` is not closed"), ("}}", "`}}` without `{{`")):
        index = text.find(braces, start, end)
        if index >= 0:
            at.text_problem("template", message, index, index + 2, "an expression stands in `{{ … }}`")
