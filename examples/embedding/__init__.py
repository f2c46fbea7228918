"""The engine inside a program of one's own."""
