"""The HTTP API: what comes in goes through one committing thread, what is asked is read from the store. Imported by `serve` only."""
