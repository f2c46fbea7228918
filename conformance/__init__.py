"""What the expression language is measured against: the published cases of CEL, and another implementation of it."""
