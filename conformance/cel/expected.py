"""Which of our error codes are the right ones for an error that the suite expects."""

from __future__ import annotations

from conformance.cel.cases import Case

_OVERLOAD = frozenset({"type_mismatch", "no_overload", "wrong_type"})
_CODES: tuple[tuple[str, frozenset[str]], ...] = (
    ("no such overload", _OVERLOAD),
    ("no_such_overload", _OVERLOAD),
    ("no matching overload", _OVERLOAD),
    ("no_matching_overload", _OVERLOAD),
    ("found no matching overload", _OVERLOAD),
    ("does not support field selection", frozenset({"type_mismatch", "unknown_field"})),
    ("divide by zero", frozenset({"division_by_zero"})),
    ("division by zero", frozenset({"division_by_zero"})),
    ("modulus by zero", frozenset({"division_by_zero"})),
    ("no such key", frozenset({"no_such_key"})),
    ("no_such_field", frozenset({"no_such_key", "no_such_field"})),
    ("repeated key", frozenset({"bad_argument"})),
    ("unsupported key type", _OVERLOAD),
    ("bad key type", _OVERLOAD),
    ("range", frozenset({"overflow", "out_of_range"})),
    ("overflow", frozenset({"overflow"})),
    ("invalid UTF-8", frozenset({"bad_argument"})),
    ("Type conversion error", frozenset({"bad_argument"})),
    ("conversion", frozenset({"bad_argument"})),
    ("invalid_argument", frozenset({"out_of_range", "type_mismatch"})),
    ("invalid", frozenset({"out_of_range", "bad_argument", "type_mismatch"})),
    ("undeclared reference", frozenset({"unknown_name"})),
    ("unknown variable", frozenset({"unknown_name"})),
    ("unbound function", frozenset({"unknown_function"})),
    ("negative offset", frozenset({"out_of_range"})),
    ("could not parse formatting clause", frozenset({"bad_argument"})),
    ("error during formatting", _OVERLOAD),
)
_BY_CASE: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            *("logic/AND/error_right", "logic/AND/error_left", "logic/OR/error_right", "logic/OR/error_left"),
            "plumbing/eval_results/error_result",
        ),
        frozenset({"division_by_zero"}),
    ),
}
"""Cases that divide by zero and whose message is a placeholder."""


def right_codes(case: Case) -> frozenset[str]:
    """The codes that are right for the error of a case; empty when its message is not known here."""
    message = case.error or ""
    if case.id in _BY_CASE:
        return _BY_CASE[case.id]
    return next((codes for part, codes in _CODES if part in message), frozenset())
