"""The two ways an expression can fail: it does not read, or it cannot be evaluated."""

from __future__ import annotations

from engine.errors import ExpressionError


class CelSyntaxError(ExpressionError):
    """The text is not an expression. `start` and `end` are character offsets into it.

    `code` is `syntax`, `too_deep` or `too_long`.
    """

    def __init__(self, message: str, start: int, end: int, *, hint: str | None = None, code: str = "syntax") -> None:
        super().__init__(code, message, hint=hint)
        self.start = start
        self.end = end


class CelError(ExpressionError):
    """An evaluation failed. `start` and `end` are the offsets of the sub-expression that failed, when known.

    `code` is one of `no_such_field`, `no_such_key`, `type_mismatch`, `overflow`, `division_by_zero`,
    `out_of_range`, `bad_argument`, `iteration_budget`, `too_large`, `unknown_reference`, `bad_regex`, `no_value`; for expressions
    that were not checked also `unknown_name` and `unknown_function`.
    """

    def __init__(self, code: str, message: str, start: int | None = None, end: int | None = None) -> None:
        super().__init__(code, message)
        self.start = start
        self.end = end

    def at(self, start: int, end: int) -> None:
        """Place the error at a range, unless a more exact place is known already."""
        if self.start is None:
            self.start, self.end = start, end
