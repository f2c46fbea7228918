"""What the engine is measured against: suites that others have written, and other implementations. `python -m conformance`."""
