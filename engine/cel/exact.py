"""The exact evaluator: it walks the tree, and can note the value of every sub-expression.

It defines what an expression means. Compiled code takes short cuts where types are trusted, and comes here whenever
anything fails, so that errors, and what absorbs them, are always decided in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine.cel import arithmetic, cost, optionals, values
from engine.cel.checked import CallPlan, Checked, FieldRead
from engine.cel.denotation import Optional
from engine.cel.errors import CelError
from engine.cel.macros import MACROS, absorb, rounds
from engine.cel.overloads import dispatch
from engine.cel.scope import UNSET, reader
from engine.cel.syntax import (
    Binary,
    Call,
    Conditional,
    Has,
    Index,
    ListLiteral,
    Literal,
    Logic,
    Macro,
    MapLiteral,
    Name,
    Node,
    OptionalIndex,
    OptionalSelect,
    Select,
    Unary,
    children,
)
from engine.cel.tracing import TRACED_ROUNDS, Trace
from engine.cel.types import DOUBLE

Variables = Mapping[str, Any]


def trace(checked: Checked, e: Any) -> Trace:
    """Evaluate an expression without problems, and note every sub-expression. Raises nothing for a failure."""
    checked.require_sound()
    evaluator = Evaluator(checked, e, tracing=True)
    failure: CelError | None = None
    try:
        evaluator.result(checked.node)
    except CelError as error:
        error.__traceback__ = None
        failure = error
    found = evaluator.rounds[0][0]
    return found if found.error is failure else replace(found, result=None, error=failure)


def evaluate(checked: Checked, e: Any) -> Any:
    """The value of an expression. Raises CelError."""
    return Evaluator(checked, e).result(checked.node)


def unknown_name(name: str) -> CelError:
    """The error for a name that only run time looks up, in vain."""
    return CelError("unknown_name", f"unknown name `{name}`")


class Evaluator:
    """One evaluation of one expression."""

    def __init__(self, checked: Checked, e: Any, *, tracing: bool = False) -> None:
        self.notes = checked.notes
        self.scope = checked.scope
        self.e = e
        self.budget = [values.MOST_STEPS]
        self.tracing = tracing
        self.rounds: list[list[Trace]] = [[]]

    def result(self, node: Node) -> Any:
        """The value of a whole expression, which must not be endless when it is written out."""
        found = self.value(node, {})
        if not cost.is_built(node, self.notes):
            return found
        try:
            return values.bounded(found)
        except CelError as error:
            error.at(node.start, node.end)
            raise

    def value(self, node: Node, variables: Variables) -> Any:
        """The value of a node. Raises CelError, placed at the innermost node that failed."""
        if not self.tracing:
            return self._value(node, variables)
        self.rounds.append([])
        result, failure = None, None
        try:
            result = self._value(node, variables)
            return result
        except CelError as error:
            failure = error
            raise
        finally:
            self.skip_unasked(node)
            parts = tuple(self.rounds.pop())
            self.rounds[-1].append(Trace(node.start, node.end, node.text, result, failure, False, parts))

    def _value(self, node: Node, variables: Variables) -> Any:
        try:
            result = _VALUES[type(node)](self, node, variables)
            if isinstance(result, int) and node in self.notes.doubles:
                return float(result)
            return result
        except CelError as error:
            error.at(node.start, node.end)
            raise
        except Exception as error:
            raise CelError("bad_argument", str(error) or type(error).__name__, node.start, node.end) from error

    def skip(self, node: Node) -> None:
        """Note a sub-expression that did not have to be evaluated."""
        if self.tracing:
            self.rounds[-1].append(Trace(node.start, node.end, node.text, None, None, True, ()))

    def skip_unasked(self, node: Node) -> None:
        """Note the parts of a node that nothing was asked of, because one before them failed or there were no rounds."""
        asked = {(part.start, part.end) for part in self.rounds[-1]}
        for part in self._parts(node):
            if (part.start, part.end) not in asked:
                self.skip(part)

    def _parts(self, node: Node) -> tuple[Node, ...]:
        if isinstance(node, Has):
            return ()
        return self.notes.calls[node].args if isinstance(node, Call) else children(node)

    def boolean(self, node: Node, variables: Variables) -> bool:
        """The value of a condition, which must be true or false."""
        result = self.value(node, variables)
        try:
            return values.truth(result)
        except CelError as error:
            error.at(node.start, node.end)
            raise

    def _literal(self, node: Literal, _variables: Variables) -> Any:
        return node.value

    def _name(self, node: Name, variables: Variables) -> Any:
        if node.name in variables:
            return variables[node.name]
        binding = self.scope.bindings.get(node.name)
        if binding is None:
            raise unknown_name(node.name)
        return reader(binding.source)(self.e) if binding.constant is UNSET else binding.constant

    def _select(self, node: Select, variables: Variables) -> Any:
        container = self.value(node.operand, variables)
        read = self.notes.fields.get(node)
        if read is None:
            return values.select(container, node.field)
        if isinstance(container, Optional):
            return self.through(container, read)
        return self.read(container, read)

    def _optional_select(self, node: OptionalSelect, variables: Variables) -> Any:
        container = self.value(node.operand, variables)
        read = self.notes.fields.get(node)
        return optionals.item(container, node.field) if read is None else self.through(container, read)

    def _optional_index(self, node: OptionalIndex, variables: Variables) -> Any:
        container = self.value(node.operand, variables)
        read = self.notes.fields.get(node)
        if read is not None:
            return self.through(container, read)
        return optionals.item(container, self.value(node.index, variables))

    def through(self, container: Any, read: FieldRead) -> Any:
        """A declared field of a record, as an optional value."""
        found = optionals.through(container, lambda owner: self.field_of(self.walk(owner, read.entity), read))
        if read.field.type == DOUBLE and isinstance(found.value, int):
            return Optional(float(found.value))
        return found

    def field_of(self, owner: Any, read: FieldRead) -> Any:
        """A field of an owner, or None."""
        if read.field.access == "attr":
            return getattr(owner, read.name, None)
        if not isinstance(owner, dict):
            raise self._unreadable(owner, read.name)
        return owner.get(read.name)

    def read(self, container: Any, read: FieldRead) -> Any:
        """A declared field of a record."""
        owner = self.walk(container, read.entity)
        try:
            return getattr(owner, read.name) if read.field.access == "attr" else owner[read.name]
        except (KeyError, AttributeError):
            raise CelError("no_such_field", f"no field `{read.name}`") from None
        except TypeError:
            raise self._unreadable(owner, read.name) from None

    def _unreadable(self, owner: Any, name: str) -> CelError:
        if owner is None:
            return CelError("no_such_field", f"nothing is there to read `{name}` of")
        return values.mismatch(f"the field `{name}`", owner)

    def walk(self, container: Any, entity: str | None) -> Any:
        """The entity that a reference names, or the container itself when it is no reference."""
        if entity is None:
            return container
        try:
            return self.e.ref(entity, container)
        except CelError:
            raise
        except Exception as error:
            raise CelError("unknown_reference", f"no {entity} {container!r:.80}") from error

    def _has(self, node: Has, variables: Variables) -> bool:
        return self._present(node.operand, variables)

    def _present(self, node: Node, variables: Variables) -> bool:
        """Whether a path is there; what is optional on the way may be absent, too."""
        if not isinstance(node, (Select, Index)):
            return self.value(node, variables) is not None
        read = self.notes.fields.get(node)
        if self.is_optional(node.operand, variables) and not self._present(node.operand, variables):
            return False
        container = self.value(node.operand, variables)
        if read is None:
            assert isinstance(node, Select)
            return values.has_key(container, node.field)
        if isinstance(container, Optional):
            return bool(self.through(container, read).present)
        return self.field_of(self.walk(container, read.entity), read) is not None

    def is_optional(self, node: Node, variables: Variables) -> bool:
        """Whether a root or a field was declared as one that may be absent."""
        if isinstance(node, Name):
            return node.name not in variables and self.scope.bindings[node.name].optional
        read = self.notes.fields.get(node)
        return read is not None and read.field.optional

    def _index(self, node: Index, variables: Variables) -> Any:
        container = self.value(node.operand, variables)
        read = self.notes.fields.get(node)
        if read is not None:
            return self.through(container, read) if isinstance(container, Optional) else self.read(container, read)
        return values.index(container, self.value(node.index, variables))

    def _unary(self, node: Unary, variables: Variables) -> Any:
        if node.op == "!":
            return not self.boolean(node.operand, variables)
        return arithmetic.negate(self.value(node.operand, variables))

    def _binary(self, node: Binary, variables: Variables) -> Any:
        left, right = self.value(node.left, variables), self.value(node.right, variables)
        if node.op in _BUDGETED and variables:
            return _BUDGETED[node.op](left, right, self.budget)
        compare = COMPARISONS.get(node.op)
        if compare is not None:
            return compare(left, right)
        return self._within_budget(node, variables, arithmetic.calculate, node.op, left, right)

    def _within_budget(
        self, node: Binary | Call, variables: Variables, function: Callable[..., Any], *args: Any
    ) -> Any:
        """Call a function; inside macros, work that grows with its operands is charged."""
        if variables and cost.is_heavy(node, self.notes):
            return cost.charged(self.budget, function, *args)
        return function(*args)

    def _logic(self, node: Logic, variables: Variables) -> bool:
        decisive = node.op == "||"
        failure: CelError | None = None
        for position, operand in enumerate(node.operands):
            try:
                decided = self.boolean(operand, variables) is decisive
            except CelError as error:
                failure = absorb(error, failure)
                continue
            if decided:
                for rest in node.operands[position + 1 :]:
                    self.skip(rest)
                return decisive
        if failure is not None:
            raise failure
        return not decisive

    def _conditional(self, node: Conditional, variables: Variables) -> Any:
        if self.boolean(node.condition, variables):
            result = self.value(node.then, variables)
            self.skip(node.otherwise)
            return result
        self.skip(node.then)
        return self.value(node.otherwise, variables)

    def _list(self, node: ListLiteral, variables: Variables) -> Any:
        items = [self.value(item, variables) for item in node.items]
        return optionals.opened(items, node.optional) if node.optional else items

    def _map(self, node: MapLiteral, variables: Variables) -> Any:
        entries = [(self.value(name, variables), self.value(value, variables)) for name, value in node.entries]
        return values.make_map(optionals.entries(entries, node.optional) if node.optional else entries)

    def _call(self, node: Call, variables: Variables) -> Any:
        plan = self.notes.calls[node]
        args = [self.value(arg, variables) for arg in plan.args]
        if plan.method:
            return self._method(plan, args)
        return self._within_budget(node, variables, dispatch, plan.name, plan.overloads, *args)

    def _method(self, plan: CallPlan, args: Any) -> Any:
        owner = self.walk(args[0], plan.entity)
        return getattr(owner, plan.name)(*args[1:])

    def _macro(self, node: Macro, variables: Variables) -> Any:
        container = self.value(node.target, variables)
        items = rounds(node, container)
        tracing, self.tracing = self.tracing, self.tracing
        try:
            return MACROS[node.kind](self, node, self._rounds_of(node, items, variables, tracing))
        finally:
            self.tracing = tracing

    def _rounds_of(self, node: Macro, items: Any, variables: Variables, tracing: bool) -> Any:
        """The variables of each round; each is charged to the budget, and the first ones are traced."""
        inner = dict(variables)
        for position, item in enumerate(items):
            values.charge(self.budget, 1)
            self.tracing = tracing and position < TRACED_ROUNDS
            inner.update(zip(node.variables, item, strict=True))
            yield inner


_BUDGETED: Mapping[str, Callable[..., bool]] = {
    "==": values.equal,
    "!=": values.unequal,
    "in": values.contains,
}
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": values.equal,
    "!=": values.unequal,
    "<": values.less,
    "<=": values.less_equal,
    ">": values.greater,
    ">=": values.greater_equal,
    "in": values.contains,
}
_VALUES: Mapping[type[Node], Callable[..., Any]] = {
    Literal: Evaluator._literal,
    Name: Evaluator._name,
    Select: Evaluator._select,
    Has: Evaluator._has,
    Index: Evaluator._index,
    OptionalSelect: Evaluator._optional_select,
    OptionalIndex: Evaluator._optional_index,
    Unary: Evaluator._unary,
    Binary: Evaluator._binary,
    Logic: Evaluator._logic,
    Conditional: Evaluator._conditional,
    ListLiteral: Evaluator._list,
    MapLiteral: Evaluator._map,
    Macro: Evaluator._macro,
    Call: Evaluator._call,
}
