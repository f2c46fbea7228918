"""Packs: YAML that is read, checked and compiled to a program.

`load` gives the program or raises with every mistake; `diagnose` lists them; `builtin` finds the packs that are shipped.
"""

from engine.pack.check import diagnose, load, restore
from engine.pack.diagnostic import BrokenPackError, Diagnostic
from engine.pack.files import builtin

__all__ = ["BrokenPackError", "Diagnostic", "builtin", "diagnose", "load", "restore"]
