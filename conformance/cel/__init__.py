"""The expression language against the published cases of CEL, and against another implementation of it."""
