"""The forms of a function, and how one is chosen: by types when they are known, by values otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.cel.errors import CelError
from engine.cel.scope import HostFunction
from engine.cel.types import DYN, Type, assignable
from engine.cel.values import accepts, mismatch

Result = Type | Callable[[Sequence[Type]], Type]


@dataclass(frozen=True, slots=True)
class Overload:
    """One form of a function. The receiver of a method is its first parameter; `rest` types further ones."""

    params: tuple[Type, ...]
    result: Result
    call: Callable[..., Any]
    rest: Type | None = None

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return count == len(self.params) or (self.rest is not None and count > len(self.params))

    def param(self, position: int) -> Type:
        """The type that is wanted at a position."""
        return self.params[position] if position < len(self.params) else self.rest or DYN

    def fits(self, args: Sequence[Type]) -> bool:
        """Whether arguments of these static types may be passed."""
        return self.takes(len(args)) and all(assignable(a, self.param(i)) for i, a in enumerate(args))

    def accepts(self, args: Sequence[Any]) -> bool:
        """Whether these values may be passed."""
        return self.takes(len(args)) and all(accepts(self.param(i), a) for i, a in enumerate(args))

    def result_type(self, args: Sequence[Type]) -> Type:
        """The type of the result for arguments of these types."""
        return self.result(args) if callable(self.result) else self.result


Overloads = tuple[Overload, ...]


def host(function: HostFunction) -> Overloads:
    """A function of the embedding program as an overload; what it raises becomes a CelError."""

    def call(*args: Any) -> Any:
        try:
            return function.call(*args)
        except CelError:
            raise
        except Exception as error:
            raise CelError("bad_argument", str(error) or type(error).__name__) from error

    return (Overload(function.params, function.result, call),)


def choose(overloads: Overloads, args: Sequence[Type]) -> Overload | None:
    """The one overload for static types; None when there is none or when run time has to decide."""
    fitting = [overload for overload in overloads if overload.fits(args)]
    return fitting[0] if fitting and (DYN not in args or len(fitting) == 1) else None


def dispatch(name: str, overloads: Overloads, *args: Any) -> Any:
    """Call the overload that takes these values. Raises CelError `type_mismatch` when none does, `unknown_function` when there is none."""
    for overload in overloads:
        if overload.accepts(args):
            return overload.call(*args)
    if not overloads:
        raise CelError("unknown_function", f"unknown function `{name}`")
    raise mismatch(f"`{name}`", *args)
