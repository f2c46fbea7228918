"""The matcher beside brute force and beside CLIPS, on random programs."""
