"""What the engine does in a second, measured side by side with floors and peers: `python -m benchmarks`."""
