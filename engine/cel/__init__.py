"""CEL, the Common Expression Language: parser, type checker, compiler to Python code objects and exact evaluator.

`check` an expression against a `Scope`, then `compile_expression` it for speed, `compile_deadline` it to know when it
may change by itself, or `trace` it to explain it. Expressions that are always asked together can be compiled into one
function, by `compile_record`, `compile_choice` and `compile_ranking`.
"""

from engine.cel.analysis import as_equality, as_threshold, conjuncts, sub
from engine.cel.bundle import Member, compile_choice, compile_ranking, compile_record
from engine.cel.checked import Checked, Problem
from engine.cel.checker import check
from engine.cel.codegen import compile_expression
from engine.cel.deadline import compile_deadline, compile_deadlines
from engine.cel.denotation import Denotation, Optional
from engine.cel.errors import CelError, CelSyntaxError
from engine.cel.exact import trace
from engine.cel.parser import parse
from engine.cel.scope import UNSET, Binding, HostFunction, Scope
from engine.cel.syntax import Node
from engine.cel.tracing import Trace
from engine.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    EnumType,
    Field,
    ListType,
    MapType,
    Method,
    OptionalType,
    RecordType,
    RefType,
    Type,
)
from engine.cel.values import UInt

__all__ = [
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "INT",
    "NULL",
    "STRING",
    "TIMESTAMP",
    "TYPE",
    "UINT",
    "UNSET",
    "Binding",
    "CelError",
    "CelSyntaxError",
    "Checked",
    "Denotation",
    "EnumType",
    "Field",
    "HostFunction",
    "ListType",
    "MapType",
    "Member",
    "Method",
    "Node",
    "Optional",
    "OptionalType",
    "Problem",
    "RecordType",
    "RefType",
    "Scope",
    "Trace",
    "Type",
    "UInt",
    "as_equality",
    "as_threshold",
    "check",
    "compile_choice",
    "compile_deadline",
    "compile_deadlines",
    "compile_expression",
    "compile_ranking",
    "compile_record",
    "conjuncts",
    "parse",
    "sub",
    "trace",
]
