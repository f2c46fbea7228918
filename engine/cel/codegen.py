"""Checked expressions to Python code objects.

Where types are known, Python's own operators are emitted; where only run time knows, the functions of `values`. The
generated function never decides what an error means: it hands over to the exact evaluator.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.cel import arithmetic, cost, optionals, pyast, values
from engine.cel.analysis import constants
from engine.cel.checked import Checked, FieldRead
from engine.cel.comprehensions import macro_tree
from engine.cel.exact import COMPARISONS, evaluate, unknown_name
from engine.cel.overloads import dispatch
from engine.cel.scope import UNSET, Binding, source_tree
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
    walk,
)
from engine.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NUMERIC,
    STRING,
    TIMESTAMP,
    TYPE,
    ListType,
    MapType,
    OptionalType,
    Type,
    is_text,
)

_INLINE = (bool, int, float, str, bytes, type(None))
_PLAIN = frozenset({BOOL, BYTES, STRING, TIMESTAMP, DURATION, TYPE}) | NUMERIC
_RAW = frozenset(
    [(op, DOUBLE, DOUBLE) for op in "+-*"]
    + [("+", TIMESTAMP, DURATION), ("-", TIMESTAMP, DURATION), ("+", DURATION, TIMESTAMP)]
    + [("-", TIMESTAMP, TIMESTAMP)]
)


def compile_expression(checked: Checked) -> Callable[[Any], Any]:
    """A function from the environment to the value. It raises CelError when the evaluation fails.

    Raises ValueError for an expression with problems.
    """
    checked.require_sound()
    generator = Generator(checked)
    result = generator.result(checked.node)
    recover = pyast.call(generator.thing(lambda e: evaluate(checked, e)), pyast.load("e"))
    body = [*generator.preamble(), ast.Return(result)]
    return generator.function([pyast.attempt(body, [ast.Return(recover)])])


def roots(checked: Checked, known: Mapping[Node, Any]) -> Counter[str]:
    """How often an expression reads each root that is not a constant; what a loop reads counts twice."""
    uses: Counter[str] = Counter()
    for node in walk(checked.node):
        if isinstance(node, Macro):
            uses.update(part.name for body in node.bodies for part in walk(body) if isinstance(part, Name))
        if isinstance(node, Name) and node not in known:
            uses[node.name] += 1
    bindings = checked.scope.bindings
    return Counter(
        {name: count for name, count in uses.items() if name in bindings and bindings[name].constant is UNSET}
    )


def _hoisted(checked: Checked, known: Mapping[Node, Any]) -> dict[str, str]:
    """Roots that are read more than once, or in a loop, get a local variable."""
    uses = roots(checked, known)
    return {name: f"r{number}" for number, name in enumerate(uses) if uses[name] > 1}


def preamble(hoisted: Mapping[str, str], bindings: Mapping[str, Binding], *, budget: bool) -> list[ast.stmt]:
    """The statements before an expression: roots in local variables, and the budget when there are loops."""
    statements = [pyast.store(local, source_tree(bindings[name].source)) for name, local in hoisted.items()]
    if budget:
        statements.append(pyast.store("budget", ast.List([pyast.constant(values.MOST_STEPS)], ast.Load())))
    return statements


class Generator:
    """Python trees for the nodes of one expression, and the globals that they need."""

    def __init__(
        self, checked: Checked, hoisted: Mapping[str, str] | None = None, shared: dict[str, Any] | None = None
    ) -> None:
        self.label = f"cel {checked.node.text[:60]}"
        self.scope = checked.scope
        self.notes = checked.notes
        self.constants = constants(checked)
        self.globals: dict[str, Any] = {} if shared is None else shared
        self.variables: dict[str, str] = {}
        self.count = 0
        self.uses_budget = False
        self.hoisted = _hoisted(checked, self.constants) if hoisted is None else hoisted

    def preamble(self) -> Sequence[ast.stmt]:
        """The statements before the expression: hoisted roots, and the budget when there are loops."""
        return preamble(self.hoisted, self.scope.bindings, budget=self.uses_budget)

    def function(self, body: Sequence[ast.stmt]) -> Callable[[Any], Any]:
        """Compile a function of `e` with this body."""
        self.globals["Exception"] = Exception
        return pyast.compiled(pyast.function("expression", body), self.globals, self.label)

    def named(self, name: str, thing: Any) -> ast.expr:
        """A global of a fixed name."""
        self.globals[name] = thing
        return pyast.load(name)

    def thing(self, value: Any) -> ast.expr:
        """A constant or function that is passed through the globals."""
        return self.named(f"k{len(self.globals)}", value)

    def inline(self, value: Any) -> ast.expr:
        """A value known now: in the code object when it can hold it, in the globals otherwise."""
        return pyast.constant(value) if type(value) in _INLINE else self.thing(value)

    def result(self, node: Node) -> ast.expr:
        """The tree for the value of a whole expression, bounded where it is put together from parts."""
        tree = self.value(node)
        if node in self.constants or not cost.is_built(node, self.notes):
            return tree
        return pyast.call(self.named("bounded", values.bounded), tree)

    def value(self, node: Node) -> ast.expr:
        """The tree for a node's value; doubles that JSON may deliver as ints are made floats."""
        if node in self.constants:
            return self.inline(self.constants[node])
        result = self.raw(node)
        return pyast.operate(result, "-", pyast.constant(0.0)) if node in self.notes.doubles else result

    def raw(self, node: Node) -> ast.expr:
        """The tree for a node where an int is as good as the float: comparisons and products with a float."""
        if node in self.constants:
            return self.inline(self.constants[node])
        return _TREES[type(node)](self, node)

    def boolean(self, node: Node) -> ast.expr:
        """The tree for a condition."""
        tree = self.value(node)
        return tree if self.type(node) == BOOL else pyast.call(self.named("truth", values.truth), tree)

    def type(self, node: Node) -> Type:
        """The static type of a node."""
        return self.notes.types[node]

    def _literal(self, node: Literal) -> ast.expr:
        return self.inline(node.value)

    def _name(self, node: Name) -> ast.expr:
        if node.name in self.variables:
            return pyast.load(self.variables[node.name])
        if node.name in self.hoisted:
            return pyast.load(self.hoisted[node.name])
        if node.name not in self.scope.bindings:
            return pyast.call(self.named("missing", _missing), pyast.constant(node.name))
        return source_tree(self.scope.bindings[node.name].source)

    def _select(self, node: Select) -> ast.expr:
        container = self.value(node.operand)
        read = self.notes.fields.get(node)
        if isinstance(self.type(node.operand), OptionalType):
            return self._optional(container, pyast.constant(node.field), read)
        if read is not None:
            return self.read(self.walk(container, read.entity), read)
        if isinstance(self.type(node.operand), MapType):
            return pyast.subscript(container, pyast.constant(node.field))
        return pyast.call(self.named("select", values.select), container, pyast.constant(node.field))

    def _optional_select(self, node: OptionalSelect) -> ast.expr:
        read = self.notes.fields.get(node)
        return self._optional(self.value(node.operand), pyast.constant(node.field), read)

    def _optional_index(self, node: OptionalIndex) -> ast.expr:
        read = self.notes.fields.get(node)
        return self._optional(self.value(node.operand), self.value(node.index), read)

    def _optional(self, container: ast.expr, name: ast.expr, read: FieldRead | None) -> ast.expr:
        """A field or an item as an optional value."""
        if read is None:
            return pyast.call(self.named("optional_item", optionals.item), container, name)
        found = self._found(self.walk(pyast.load("owner"), read.entity), read)
        if read.field.type == DOUBLE:
            found = pyast.call(self.named("as_double", _as_double), found)
        return pyast.call(self.named("through", optionals.through), container, pyast.function_of("owner", found))

    def _found(self, owner: ast.expr, read: FieldRead) -> ast.expr:
        """A declared field of a record, or None."""
        if read.field.access == "attr":
            arguments = (owner, pyast.constant(read.name), pyast.constant(None))
            return pyast.call(self.named("getattr", getattr), *arguments)
        return pyast.call(pyast.attribute(owner, "get"), pyast.constant(read.name))

    def read(self, owner: ast.expr, read: FieldRead) -> ast.expr:
        """A declared field of a record."""
        if read.field.access == "attr":
            return pyast.attribute(owner, read.name)
        return pyast.subscript(owner, pyast.constant(read.name))

    def walk(self, container: ast.expr, entity: str | None) -> ast.expr:
        """The entity behind a reference."""
        if entity is None:
            return container
        return pyast.call(pyast.attribute(pyast.load("e"), "ref"), pyast.constant(entity), container)

    def _has(self, node: Has) -> ast.expr:
        conditions = self._present(node.operand)
        return conditions[0] if len(conditions) == 1 else pyast.chain("&&", conditions)

    def _present(self, node: Node) -> Sequence[ast.expr]:
        """The conditions for a path to be there, from its optional beginnings on."""
        if not isinstance(node, (Select, Index)):
            return [pyast.compare(self.value(node), "is not", pyast.constant(None))]
        before = self._present(node.operand) if self._is_optional(node.operand) else []
        container = self.value(node.operand)
        read = self.notes.fields.get(node)
        if isinstance(self.type(node.operand), OptionalType):
            assert isinstance(node, Select)
            return [*before, pyast.attribute(self._optional(container, pyast.constant(node.field), read), "present")]
        if read is None:
            return [*before, self._has_key(node, container)]
        found = self._found(self.walk(container, read.entity), read)
        return [*before, pyast.compare(found, "is not", pyast.constant(None))]

    def _has_key(self, node: Select | Index, container: ast.expr) -> ast.expr:
        assert isinstance(node, Select)
        if isinstance(self.type(node.operand), MapType):
            return pyast.compare(pyast.constant(node.field), "in", container)
        return pyast.call(self.named("has_key", values.has_key), container, pyast.constant(node.field))

    def _is_optional(self, node: Node) -> bool:
        if isinstance(node, Name):
            binding = self.scope.bindings.get(node.name)
            return node.name not in self.variables and binding is not None and binding.optional
        read = self.notes.fields.get(node)
        return read is not None and read.field.optional

    def _index(self, node: Index) -> ast.expr:
        container = self.value(node.operand)
        read = self.notes.fields.get(node)
        if isinstance(self.type(node.operand), OptionalType):
            return self._optional(container, self.value(node.index), read)
        if read is not None:
            return self.read(self.walk(container, read.entity), read)
        operand, position = self.type(node.operand), self.constants.get(node.index)
        if isinstance(operand, ListType) and type(position) is int and position >= 0:
            return pyast.subscript(container, pyast.constant(position))
        if isinstance(operand, MapType) and is_text(operand.key) and is_text(self.type(node.index)):
            return pyast.subscript(container, self.value(node.index))
        return pyast.call(self.named("index", values.index), container, self.value(node.index))

    def _unary(self, node: Unary) -> ast.expr:
        if node.op == "!":
            return ast.UnaryOp(ast.Not(), self.boolean(node.operand))
        operand = self.value(node.operand)
        if self.type(node.operand) == DOUBLE:
            return ast.UnaryOp(ast.USub(), operand)
        return pyast.call(self.named("negate", arithmetic.negate), operand)

    def _binary(self, node: Binary) -> ast.expr:
        if node.op == "in":
            return self._membership(node)
        if node.op in COMPARISONS:
            return self._comparison(node)
        return self._arithmetic(node)

    def _comparison(self, node: Binary) -> ast.expr:
        left, right = self.type(node.left), self.type(node.right)
        if self._is_plain(left) and self._is_plain(right):
            if DOUBLE not in (left, right) or self._is_small(node.left) or self._is_small(node.right):
                return pyast.compare(self.raw(node.left), node.op, self.raw(node.right))
            if left == right:
                return pyast.compare(self.value(node.left), node.op, self.value(node.right))
        return self._compared(node, COMPARISONS[node.op])

    def _compared(self, node: Binary, function: Callable[..., bool]) -> ast.expr:
        """A comparison by a function; equality and membership are charged to the budget inside macros."""
        args = [self.value(node.left), self.value(node.right)]
        if self.variables and node.op in ("==", "!=", "in"):
            args.append(self.budget())
        return pyast.call(self.named(function.__name__, function), *args)

    def budget(self) -> ast.expr:
        """The budget of this evaluation."""
        self.uses_budget = True
        return pyast.load("budget")

    def _is_small(self, node: Node) -> bool:
        """Whether a node is a constant beside which any number is compared alike as an int and as a double."""
        constant = self.constants.get(node)
        return isinstance(constant, (int, float)) and abs(constant) <= values.EXACT

    def _is_plain(self, of: Type) -> bool:
        return of in _PLAIN or is_text(of)

    def _membership(self, node: Binary) -> ast.expr:
        item, container = self.type(node.left), self.type(node.right)
        fixed = _as_set(item, self.constants.get(node.right))
        if fixed is not None:
            return pyast.compare(self.raw(node.left), "in", pyast.constant(fixed))
        other = container.item if isinstance(container, ListType) else getattr(container, "key", DYN)
        if (is_text(item) and is_text(other)) or (item == other and item in (INT, TIMESTAMP, DURATION)):
            if self.variables:
                return self._compared(node, cost.scan)
            return pyast.compare(self.value(node.left), "in", self.value(node.right))
        return self._compared(node, values.contains)

    def _arithmetic(self, node: Binary) -> ast.expr:
        left, right = self.type(node.left), self.type(node.right)
        if (node.op, left, right) in _RAW:
            if node.left in self.notes.doubles and node.right in self.notes.doubles:
                return pyast.operate(self.value(node.left), node.op, self.value(node.right))
            return pyast.operate(self.raw(node.left), node.op, self.raw(node.right))
        found = arithmetic.operation(node.op, left, right)
        assert found is not None
        return self._applied(node, self.thing(found[0]), self.value(node.left), self.value(node.right))

    def _applied(self, node: Binary | Call, function: ast.expr, *args: ast.expr) -> ast.expr:
        """A call of a function; inside macros, work that grows with its operands is charged."""
        if self.variables and cost.is_heavy(node, self.notes):
            return pyast.call(self.named("charged", cost.charged), self.budget(), function, *args)
        return pyast.call(function, *args)

    def _logic(self, node: Logic) -> ast.expr:
        return pyast.chain(node.op, [self.boolean(operand) for operand in node.operands])

    def _conditional(self, node: Conditional) -> ast.expr:
        return ast.IfExp(self.boolean(node.condition), self.value(node.then), self.value(node.otherwise))

    def _list(self, node: ListLiteral) -> ast.expr:
        items = ast.List([self.value(item) for item in node.items], ast.Load())
        if not node.optional:
            return items
        return pyast.call(self.named("opened", optionals.opened), items, pyast.constant(node.optional))

    def _map(self, node: MapLiteral) -> ast.expr:
        entries: list[ast.expr] = [
            ast.Tuple([self.value(name), self.value(value)], ast.Load()) for name, value in node.entries
        ]
        pairs: ast.expr = ast.Tuple(entries, ast.Load())
        if node.optional:
            pairs = pyast.call(self.named("entries", optionals.entries), pairs, pyast.constant(node.optional))
        return pyast.call(self.named("make_map", values.make_map), pairs)

    def _call(self, node: Call) -> ast.expr:
        plan = self.notes.calls[node]
        args = [self.value(arg) for arg in plan.args]
        if plan.method:
            return pyast.call(pyast.attribute(self.walk(args[0], plan.entity), plan.name), *args[1:])
        if plan.direct is None:
            dispatcher = self.named("dispatch", dispatch)
            name, overloads = pyast.constant(plan.name), self.thing(plan.overloads)
            return self._applied(node, dispatcher, name, overloads, *args)
        function = plan.direct.call
        if function in (str.startswith, str.endswith):
            return pyast.call(pyast.attribute(args[0], function.__name__), args[1])
        if function is str.__contains__ and not self.variables:
            return pyast.compare(args[1], "in", args[0])
        return self._applied(node, self.thing(function), *args)

    def _macro(self, node: Macro) -> ast.expr:
        target = self.value(node.target)
        hidden = self.variables
        self.count += 1
        names = [f"v{self.count}", f"w{self.count}"][: len(node.variables)]
        self.variables = {**hidden, **dict(zip(node.variables, names, strict=True))}
        try:
            return macro_tree(self, node, names, target)
        finally:
            self.variables = hidden


def _missing(name: str) -> Any:
    raise unknown_name(name)


def _as_double(value: Any) -> Any:
    return float(value) if isinstance(value, int) else value


def _as_set(item: Type, container: Any) -> frozenset[Any] | None:
    """A constant list as a set, when Python's idea of equal is the right one for these types."""
    if not isinstance(container, list) or len(container) > values.SMALL_LIST:
        return None
    if is_text(item) and all(type(value) is str for value in container):
        return frozenset(container)
    if item in NUMERIC and all(type(value) in (int, float) and abs(value) <= values.EXACT for value in container):
        return frozenset(container)
    return None


_TREES: Mapping[type[Node], Callable[..., ast.expr]] = {
    Literal: Generator._literal,
    Name: Generator._name,
    Select: Generator._select,
    Has: Generator._has,
    Index: Generator._index,
    OptionalSelect: Generator._optional_select,
    OptionalIndex: Generator._optional_index,
    Unary: Generator._unary,
    Binary: Generator._binary,
    Logic: Generator._logic,
    Conditional: Generator._conditional,
    ListLiteral: Generator._list,
    MapLiteral: Generator._map,
    Macro: Generator._macro,
    Call: Generator._call,
}
