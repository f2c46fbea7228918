from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cel.world import run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'%s 拜访 %d 次'.format([data.region, data.count])", "east 拜访 7 次"),
        ("'%.2f'.format([data.amount])", "2000.00"),
        ("'%.1f %e'.format([2, 1500.0])", "2.0 1.500000e+03"),
        ("'%d'.format([3.0])", "3"),
        ("'%d'.format([3.5])", "!type_mismatch"),
        ("'%d'.format(['x'])", "!type_mismatch"),
        ("'%x %X %o %b'.format([255, 255, 8, 5])", "ff FF 10 101"),
        ("'%x'.format(['医'])", "e58cbb"),
        ("'%b %x'.format([true, b'a'])", "1 61"),
        ("'%x'.format([true])", "!type_mismatch"),
        ("'%b'.format(['x'])", "!type_mismatch"),
        ("'%o'.format(['x'])", "!type_mismatch"),
        ("'100%% %s'.format([true])", "100% true"),
        ("'%s'.format([[1, 'a', null, 2.50, {'b': [1u], 'a': b'x'}]])", "[1, a, null, 2.5, {a: x, b: [1]}]"),
        ("'%s %s'.format([duration('90m'), timestamp('2026-03-02T00:00:00Z')])", "5400s 2026-03-02T00:00:00Z"),
        ("'%s %s %s'.format([int, optional.of(1), optional.none()])", "int optional(1) optional.none()"),
        ("'%f %d'.format([double('NaN'), double('-Infinity')])", "NaN -Infinity"),
        ("'%s'.format([])", "!out_of_range"),
        ("'%s'.format([1, 2])", "1"),
        ("'%q'.format([1])", "!bad_argument"),
        ("'%'.format([1])", "!bad_argument"),
        ("'%.3d'.format([1])", "!bad_argument"),
        ("strings.quote('a\"b\\n医')", '"a\\"b\\n医"'),
        ("base64.encode(b'hello') + string(base64.decode('aGVsbG8'))", "aGVsbG8=hello"),
        ("base64.decode('*')", "!bad_argument"),
        ("'banana'.lastIndexOf('an', 2)", 1),
        ("'banana'.lastIndexOf('an', 9)", "!out_of_range"),
    ],
)
def test_texts_are_made_of_values(text: str, expected: Any) -> None:
    assert run(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("math.sign(-3)", -1),
        ("math.sign(0.0)", 0.0),
        ("math.sqrt(9)", 3.0),
        ("math.isNaN(math.sqrt(-1.0))", True),
        ("math.isInf(1.0 / 0.0) && math.isFinite(1.0)", True),
        ("math.bitAnd(6, 3) + math.bitOr(4, 1) + math.bitXor(7, 2)", 12),
        ("math.bitNot(0)", -1),
        ("math.bitShiftLeft(1, 63)", -(2**63)),
        ("math.bitShiftLeft(1, 64)", 0),
        ("math.bitShiftRight(-1, 63)", 1),
        ("math.bitShiftLeft(1, -1)", "!out_of_range"),
        ("math.bitShiftRight(1, -1)", "!out_of_range"),
        ("math.bitShiftLeft(1u, 63) == 9223372036854775808u", True),
        ("math.bitNot(0u) == 18446744073709551615u", True),
        ("string(math.round(-0.3))", "-0"),
        ("-9223372036854775808 % -1", "!overflow"),
        ("duration('999999999ns') == duration('1s') && duration('1ns') == duration('0s')", True),
        ("timestamp('10000-01-01T00:00:00Z')", "!out_of_range"),
        ("[1, 2][dyn(1e300)]", "!type_mismatch"),
        ("[1, 2][dyn(1.0 / 0.0)]", "!type_mismatch"),
    ],
)
def test_numbers_at_their_edges(text: str, expected: Any) -> None:
    assert run(text) == expected
