"""Packs are activated again and again while events come in."""
