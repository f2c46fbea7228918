"""The type checker: every name, field, function and operator against the scope, all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.cel import calls, clock, macrotypes, naming, operators, reading
from engine.cel.checked import CallPlan, Checked, FieldRead, Notes, Problem
from engine.cel.errors import CelSyntaxError
from engine.cel.guards import NOTHING, Facts, Guards
from engine.cel.parser import parse
from engine.cel.scope import UNSET, Scope
from engine.cel.suggestions import closest, did_you_mean
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
    key,
)
from engine.cel.types import (
    BOOL,
    DOUBLE,
    DYN,
    INT,
    EnumType,
    Field,
    ListType,
    MapType,
    OptionalType,
    RecordType,
    RefType,
    Type,
    assignable,
    join,
)
from engine.cel.values import kind

Locals = Mapping[str, Type]


def check(
    expression: str | Node,
    scope: Scope,
    expect: Type | None = None,
    given: Sequence[Checked] = (),
    *,
    deadlines: bool = True,
    typed: bool = True,
) -> Checked:
    """Check an expression against a scope; never raises for a mistake in it, but lists all of them.

    `expect` is the type that the value must have. `given` are expressions that are known to be true already: what
    they guard is guarded. With `deadlines=False` time may be used in any form, and no deadline can be compiled.
    With `typed=False` no type is trusted and nothing is refused that reads: names, functions and types are looked at
    when the expression is evaluated, as the standard has it for expressions that were not checked.
    """
    try:
        node = parse(expression) if isinstance(expression, str) else expression
    except CelSyntaxError as error:
        return _unreadable(str(expression), scope, error)
    node = naming.resolve(node, scope)
    checker = Checker(scope, typed=typed)
    known = NOTHING.union(*(Guards().facts(condition.node, True) for condition in given))
    found = checker.visit(node, known, {})
    if expect is not None:
        checker.expect(node, found, expect)
    notes = Notes(checker.types, checker.fields, checker.calls, frozenset(checker.doubles))
    ticks = clock.examine(node, notes, scope)
    problems = [*checker.problems, *(ticks.problems if deadlines else ())]
    problems.sort(key=lambda problem: (problem.start, problem.end))
    return Checked(
        text=node.source,
        node=node,
        type=checker.types[node],
        problems=tuple(dict.fromkeys(problems)),
        reads=reading.reads(node, scope, checker.calls),
        clocks=ticks.clocks if deadlines else (),
        scope=scope,
        notes=notes,
    )


def _unreadable(text: str, scope: Scope, error: CelSyntaxError) -> Checked:
    node = Literal(text, 0, len(text), None)
    problem = Problem(error.code, error.message, error.start, error.end, error.hint)
    notes = Notes({node: DYN}, {}, {}, frozenset())
    return Checked(text, node, DYN, (problem,), frozenset(), (), scope, notes)


class Checker:
    """One pass over one tree; what it finds is left in its attributes."""

    def __init__(self, scope: Scope, *, typed: bool = True) -> None:
        self.scope = scope
        self.typed = typed
        self.types: dict[Node, Type] = {}
        self.fields: dict[Node, FieldRead] = {}
        self.calls: dict[Node, CallPlan] = {}
        self.doubles: set[Node] = set()
        self.problems: list[Problem] = []
        self.guards = Guards()

    def report(self, code: str, message: str, node: Node, hint: str | None = None) -> Type:
        """Note a problem; the type of what is wrong is DYN, so that it causes no further problems."""
        if self.typed:
            self.problems.append(Problem(code, message, node.start, node.end, hint))
        return DYN

    def visit(self, node: Node, known: Facts, variables: Locals) -> Type:
        """The type of a node where these things are known to be present and these variables exist."""
        found: Type = _VISITS[type(node)](self, node, known, variables)
        if not self.typed:
            found = DYN
        self.types[node] = found
        if found == DOUBLE and (isinstance(node, (Name, Select, Index)) or self._is_outside_call(node)):
            self.doubles.add(node)
        return found

    def _is_outside_call(self, node: Node) -> bool:
        plan = self.calls.get(node)
        return plan is not None and (plan.method or plan.name in self.scope.functions)

    def expect(self, node: Node, found: Type, wanted: Type) -> None:
        """Report a value that cannot stand where another type is wanted."""
        if isinstance(wanted, EnumType) and isinstance(node, Literal):
            operators.check_values(self, wanted, node)
        if self.adapt(node, wanted) or assignable(found, wanted) or (wanted, found) == (DOUBLE, INT):
            return
        hint = operators.OPEN_IT if isinstance(found, OptionalType) else None
        self.report("wrong_type", f"expected {wanted}, found {found}", node, hint)

    def adapt(self, node: Node, wanted: Type) -> bool:
        """Take an int that is written in the text, or a parameter, as a double where one is wanted."""
        if wanted != DOUBLE or self.types[node] != INT or not self.is_fixed(node):
            return False
        self.types[node] = DOUBLE
        self.doubles.add(node)
        return True

    def is_fixed(self, node: Node) -> bool:
        """Whether a node is a literal or a parameter."""
        while isinstance(node, Select):
            node = node.operand
        if isinstance(node, Name):
            binding = self.scope.bindings.get(node.name)
            return binding is not None and binding.constant is not UNSET
        return isinstance(node, Literal)

    def boolean(self, node: Node, known: Facts, variables: Locals) -> Type:
        """Visit what must be a bool."""
        found = self.visit(node, known, variables)
        if found not in (BOOL, DYN):
            hint = operators.OPEN_IT if isinstance(found, OptionalType) else None
            self.report("wrong_type", f"expected a condition (bool), found {found}", node, hint)
        return found

    def _literal(self, node: Literal, _known: Facts, _variables: Locals) -> Type:
        return kind(node.value)

    def _name(self, node: Name, known: Facts, variables: Locals) -> Type:
        if node.name in variables:
            return variables[node.name]
        binding = self.scope.bindings.get(node.name)
        if binding is None:
            known_names = {*variables, *self.scope.bindings}
            hint = did_you_mean(node.name, known_names)
            if closest(node.name, known_names) is None:
                hint = f"write `'{node.name}'` if it is a text" + (f"; {hint}" if hint else "")
            return self.report("unknown_name", f"unknown name `{node.name}`", node, hint)
        if binding.optional and key(node) not in known:
            self.unguarded(node)
        return binding.type

    def unguarded(self, node: Node) -> None:
        """Report a reading of what may be absent."""
        hint = f"write `has({node.text}) && …`"
        read = self.fields.get(node)
        if read is not None and read.near is not None:
            hint += f", or did you mean `{read.near}`?"
        self.report("unguarded_optional", f"`{node.text}` may be absent", node, hint)

    def _select(self, node: Select, known: Facts, variables: Locals) -> Type:
        operand = self.visit(node.operand, known, variables)
        if isinstance(operand, OptionalType):
            return OptionalType(self.field(node, operand.item, node.field))
        found = self.field(node, operand, node.field)
        read = self.fields.get(node)
        if read is not None and read.field.optional and key(node) not in known:
            self.unguarded(node)
        return found

    def _optional_select(self, node: OptionalSelect, known: Facts, variables: Locals) -> Type:
        return OptionalType(self.field(node, self.openly(node.operand, known, variables), node.field))

    def _optional_index(self, node: OptionalIndex, known: Facts, variables: Locals) -> Type:
        operand = self.openly(node.operand, known, variables)
        return OptionalType(self.item(node, operand, self.visit(node.index, known, variables)))

    def openly(self, node: Node, known: Facts, variables: Locals) -> Type:
        """The type of what `.?` or `[?]` reads: a root may be absent, and an optional value is opened."""
        root = {key(node)} if isinstance(node, Name) else ()
        found = self.visit(node, known.union(root), variables)  # type: ignore[arg-type]
        return found.item if isinstance(found, OptionalType) else found

    def field(self, node: Node, operand: Type, name: str) -> Type:
        """The type of a field, noted as a FieldRead when a record is its owner."""
        if operand == DYN:
            return DYN
        if isinstance(operand, MapType):
            return operand.value
        record, entity = self.record(operand)
        if record is None:
            return self.report("unknown_field", f"{operand} has no field `{name}`", node)
        declared = record.fields.get(name)
        if declared is None and not record.open:
            members = {**dict.fromkeys(record.fields, ""), **dict.fromkeys(record.methods, "(…)")}
            near = closest(name, members)
            hint = did_you_mean(name, members) if near is None else f"did you mean `{near}{members[near]}`?"
            return self.report("unknown_field", f"{record} has no field `{name}`", node, hint)
        near = None if declared is not None else closest(name, record.fields)
        read = FieldRead(name, declared or Field(DYN, optional=True), entity, near)
        self.fields[node] = read
        return read.field.type

    def record(self, operand: Type) -> tuple[RecordType | None, str | None]:
        """The record that a type is or refers to, and the entity when it had to be walked to."""
        if isinstance(operand, RecordType):
            return operand, None
        if isinstance(operand, RefType):
            return self.scope.entities.get(operand.entity), operand.entity
        return None, None

    def _has(self, node: Has, known: Facts, variables: Locals) -> Type:
        guarded = known | self.guards.facts(node, True)
        self.visit(node.operand, guarded, variables)
        if isinstance(node.operand, Name):
            binding = self.scope.bindings.get(node.operand.name)
            if node.operand.name in variables or (binding is not None and not binding.optional):
                message = f"`{node.operand.name}` is always present"
                self.report("wrong_type", message, node, "`has` takes a field: `has(data.field)`")
        return BOOL

    def _index(self, node: Index, known: Facts, variables: Locals) -> Type:
        operand = self.visit(node.operand, known, variables)
        position = self.visit(node.index, known, variables)
        if isinstance(operand, OptionalType):
            return OptionalType(self.item(node, operand.item, position))
        found = self.item(node, operand, position)
        read = self.fields.get(node)
        if read is not None and read.field.optional and key(node) not in known:
            self.unguarded(node)
        return found

    def item(self, node: Index | OptionalIndex, operand: Type, position: Type) -> Type:
        """The type of an item of a list or a map, or of a record's field that is read by its name in quotes."""
        if not isinstance(operand, (RecordType, RefType)):
            return operators.index_type(self, node, operand, position)
        if not isinstance(node.index, Literal) or not isinstance(node.index.value, str):
            return self.report("wrong_type", f"{operand} is read by field names", node.index)
        return self.field(node, operand, node.index.value)

    def _unary(self, node: Unary, known: Facts, variables: Locals) -> Type:
        if node.op == "!":
            self.boolean(node.operand, known, variables)
            return BOOL
        return operators.negated_type(self, node, self.visit(node.operand, known, variables))

    def _binary(self, node: Binary, known: Facts, variables: Locals) -> Type:
        left = self.visit(node.left, known, variables)
        right = self.visit(node.right, known, variables)
        return operators.binary_type(self, node, left, right)

    def _logic(self, node: Logic, known: Facts, variables: Locals) -> Type:
        for operand in node.operands:
            self.boolean(operand, known, variables)
            known = known | self.guards.facts(operand, node.op == "&&")
        return BOOL

    def _conditional(self, node: Conditional, known: Facts, variables: Locals) -> Type:
        self.boolean(node.condition, known, variables)
        self.visit(node.then, known | self.guards.facts(node.condition, True), variables)
        self.visit(node.otherwise, known | self.guards.facts(node.condition, False), variables)
        return self.united((node.then, node.otherwise))

    def united(self, nodes: Sequence[Node], optional: frozenset[int] = frozenset()) -> Type:
        """The type that values of several nodes have in common; those at `optional` positions are opened."""
        if optional:
            return self.joined([self.opened(node, place in optional) for place, node in enumerate(nodes)])
        if any(self.types[node] == DOUBLE for node in nodes):
            for node in nodes:
                self.adapt(node, DOUBLE)
        return self.joined([self.types[node] for node in nodes])

    def joined(self, types: Sequence[Type]) -> Type:
        """The type that all of these have in common."""
        found = types[0]
        for other in types[1:]:
            found = join(found, other)
        return found

    def opened(self, node: Node, optional: bool) -> Type:
        """The type of a part of a literal; after `?` it must be an optional value."""
        found = self.types[node]
        if not optional or found == DYN:
            return found
        if isinstance(found, OptionalType):
            return found.item
        return self.report("wrong_type", f"`?` takes an optional value, found {found}", node)

    def _list(self, node: ListLiteral, known: Facts, variables: Locals) -> Type:
        for item in node.items:
            self.visit(item, known, variables)
        return ListType(self.united(node.items, node.optional) if node.items else DYN)

    def _map(self, node: MapLiteral, known: Facts, variables: Locals) -> Type:
        for name, value in node.entries:
            self.visit(name, known, variables)
            self.visit(value, known, variables)
        if not node.entries:
            return MapType(DYN, DYN)
        keys, values = zip(*node.entries, strict=True)
        return MapType(self.united(keys), self.united(values, node.optional))

    def _macro(self, node: Macro, known: Facts, variables: Locals) -> Type:
        return macrotypes.macro_type(self, node, self.visit(node.target, known, variables), known, variables)

    def faulty(self, node: Node) -> bool:
        """Whether something inside a node was reported already."""
        return any(node.start <= problem.start and problem.end <= node.end for problem in self.problems)

    def _call(self, node: Call, known: Facts, variables: Locals) -> Type:
        qualified = calls.qualified(self, node, variables)
        if node.target is not None and qualified is None:
            self.visit(node.target, known, variables)
        for arg in node.args:
            self.visit(arg, known, variables)
        return calls.call_type(self, node, qualified)


_VISITS: Mapping[type[Node], Callable[..., Any]] = {
    Literal: Checker._literal,
    Name: Checker._name,
    Select: Checker._select,
    Has: Checker._has,
    Index: Checker._index,
    OptionalSelect: Checker._optional_select,
    OptionalIndex: Checker._optional_index,
    Unary: Checker._unary,
    Binary: Checker._binary,
    Logic: Checker._logic,
    Conditional: Checker._conditional,
    ListLiteral: Checker._list,
    MapLiteral: Checker._map,
    Macro: Checker._macro,
    Call: Checker._call,
}
