"""From models to the program: names resolved, expressions compiled, everything that cannot work reported."""
