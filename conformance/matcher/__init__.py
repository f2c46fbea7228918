"""The matcher beside brute force and beside CLIPS, on random programs."""

from conformance.matcher.command import command

__all__ = ["command"]
