"""Packs: YAML that is read, checked and compiled to a program.

`load` gives the program or raises with every mistake; `diagnose` lists them; `builtin` finds the packs that are shipped.
"""

from engine.pack.check import assemble, diagnose, load, read, restore
from engine.pack.compile.pins import Pin
from engine.pack.diagnostic import BrokenPackError, Diagnostic
from engine.pack.files import PackFile, builtin

__all__ = [
    "BrokenPackError",
    "Diagnostic",
    "PackFile",
    "Pin",
    "assemble",
    "builtin",
    "diagnose",
    "load",
    "read",
    "restore",
]
