import pytest

from engine.core.hashing import bucket, choose, fnv1a_32, parity


@pytest.mark.parametrize(("text", "value"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_fnv1a_gives_the_published_values(text: str, value: int) -> None:
    assert fnv1a_32(text) == value


@pytest.mark.parametrize(
    ("seed", "value", "expected"),
    [
        ("seed", "a", 0.0505),
        ("seed", "b", 0.2696),
        ("foo", "ab", 0.2575),
        ("foo", "def", 0.2019),
        ("89123klj", "8952klfjas09ujkasdf", 0.124),
        ("90850943850283058242805", "123", 0.7516),
        ("()**(%$##$%#$#", '___)((*":&', 0.0128),
    ],
)
def test_a_bucket_is_that_of_the_public_vectors_of_hash_version_two(seed: str, value: str, expected: float) -> None:
    assert bucket(seed, value) == expected


def test_parity_looks_for_the_last_digit_anywhere_in_the_text() -> None:
    assert [parity(text) for text in ("1003", "1004", "A", "12B", "尾号７", "")] == [
        "odd",
        "even",
        None,
        "even",
        "odd",
        None,
    ]


def test_arms_take_the_range_from_their_lower_bound_up_to_but_not_their_upper() -> None:
    weights = (("h5", 0.5), ("ppt", 0.5))
    assert [choose(weights, at) for at in (0.0, 0.4999, 0.5, 0.9999)] == ["h5", "h5", "ppt", "ppt"]
    assert choose((("h5", 0.1),), 0.5) is None
