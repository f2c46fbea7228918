"""The demo: a simulated sales team under the built-in packs, the whole line from YAML to the message, and a page of it."""
