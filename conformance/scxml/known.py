"""What is known of the suite, and told in `conformance/README.md`."""

SUPERSEDED = frozenset({"more-parallel/test10", "more-parallel/test10b"})
"""Cases whose first expectations are not what the Recommendation says: they take their other ones."""

LEFT_OUT = frozenset(
    {
        "assign-current-small-step/test0",
        "assign/assign_invalid",
        "data/data_invalid",
        "error/error",
        "script-src/test0",
        "script-src/test1",
        "script-src/test2",
        "script-src/test3",
        "script/test0",
        "script/test1",
        "script/test2",
    }
)
"""Cases that no pack can express."""

CASES = 127
"""How many cases there are."""
