"""How the engine does on suites that others have written, run against the ordinary engine: `python -m conformance`."""
