"""Examples: each folder is one program, with a README that says what to type."""
