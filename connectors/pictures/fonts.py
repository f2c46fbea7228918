"""Typefaces. Chinese needs a CJK font; without one a picture keeps to Latin letters and never shows empty
boxes.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

_NAMES = (
    "notosanscjk",
    "notosanssc",
    "sourcehansans",
    "pingfang",
    "hiragino sans gb",
    "stheiti",
    "msyh",
    "simhei",
    "wqy-microhei",
    "wqy-zenhei",
    "droidsansfallback",
)
"""Beginnings of the file names of CJK fonts, the better ones first."""

_DIRECTORIES = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
_EXTRA = "cvttf_NotoSansCJK_Regular"
_PROBE = "访签销"
_UNASSIGNED = "\U0010fffe"


class Face:
    """A typeface at any size. `path` None is the Latin one that comes with Pillow."""

    def __init__(self, path: Path | None = None, index: int = 0) -> None:
        self.path = path
        self.index = index
        self._sizes: dict[int, ImageFont.FreeTypeFont] = {}
        self._covered: dict[str, bool] = {}
        self.cjk = all(self.covers(character) for character in _PROBE)

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font at `size` pixels."""
        if size not in self._sizes:
            self._sizes[size] = self._load(size)
        return self._sizes[size]

    def covers(self, character: str) -> bool:
        """Whether there is a glyph for `character`: it is drawn differently from one that cannot exist."""
        if character not in self._covered:
            drawn = bytes(self.at(20).getmask(character))
            self._covered[character] = not drawn or drawn != bytes(self.at(20).getmask(_UNASSIGNED))
        return self._covered[character]

    def clean(self, text: str) -> str:
        """`text` in one line, without what cannot be drawn."""
        plain = unicodedata.normalize("NFC", " ".join(text.split()))
        kept = "".join(c for c in plain if c.isprintable() and self.covers(c))
        return " ".join(kept.split())

    def fit(self, text: str, size: int, width: float) -> str:
        """`text` cleaned, and cut with an ellipsis where it is wider than `width` pixels."""
        text = self.clean(text)
        font = self.at(size)
        if font.getlength(text) <= width:
            return text
        dots = "…" if self.covers("…") else "..."
        while text and font.getlength(text + dots) > width:
            text = text[:-1]
        return text.rstrip() + dots

    def _load(self, size: int) -> ImageFont.FreeTypeFont:
        basic = ImageFont.Layout.BASIC
        if self.path is not None:
            return ImageFont.truetype(str(self.path), size, index=self.index, layout_engine=basic)
        font = ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise RuntimeError("this Pillow was built without FreeType")
        return font


@lru_cache(maxsize=8)
def find(path: str | None = None) -> Face:
    """The face to draw with: `path` if it is given, else an installed CJK font, else the extra `fonts`,
    else Latin.

    Raises OSError when `path` is given and is no font.
    """
    if path is not None:
        return _face(Path(path))
    for candidate in _candidates():
        try:
            face = _face(candidate)
        except OSError:
            continue
        if face.cjk:
            return face
    return latin()


@lru_cache(maxsize=1)
def latin() -> Face:
    """The face that comes with Pillow: no Chinese."""
    return Face()


def _candidates() -> Iterator[Path]:
    yield from _installed()
    spec = find_spec(_EXTRA)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(folder).glob("*.[ot]t[fc]"))


def _installed() -> list[Path]:
    ranked: list[tuple[int, bool, str]] = []
    for directory in _DIRECTORIES:
        for folder, _, files in os.walk(Path(directory).expanduser()):
            for file in files:
                rank = _rank(file)
                if rank is not None:
                    ranked.append((rank, "regular" not in file.lower(), str(Path(folder, file))))
    return [Path(path) for _, _, path in sorted(ranked)]


def _rank(file: str) -> int | None:
    name = file.lower()
    if not name.endswith((".ttf", ".otf", ".ttc")):
        return None
    return next((rank for rank, start in enumerate(_NAMES) if name.startswith(start)), None)


def _face(path: Path) -> Face:
    """A collection holds one font a region; the one for simplified Chinese is taken where there is one."""
    if path.suffix.lower() == ".ttc":
        for index in range(16):
            try:
                family = ImageFont.truetype(str(path), 12, index=index).getname()[0] or ""
            except OSError:
                break
            if family.endswith((" SC", " CN", " GB")):
                return Face(path, index)
    return Face(path)
