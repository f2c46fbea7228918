"""A drawn shop sign: the photo of demos and tests."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from connectors.pictures import fonts
from connectors.pictures.fonts import Face
from connectors.protocol import ConnectorError, ErrorClass


def shop_sign(
    name: str,
    *,
    lines: Sequence[str] = ("电话:0571-88886666", "地址:文三路18号"),
    size: tuple[int, int] = (960, 640),
    font: Face | str | None = None,
) -> bytes:
    """A PNG of a shop front with `name` on its board and smaller `lines` beneath. The same input, the same
    bytes.

    Raises ConnectorError CONFIGURATION `extra_missing` when no font has the characters of the name.
    """
    face = font if isinstance(font, Face) else fonts.find(font)
    if not all(face.covers(character) for character in name):
        raise ConnectorError(
            ErrorClass.CONFIGURATION,
            "extra_missing",
            f"no font can draw {name!r}: pip install 'rulewright[fonts]'",
        )
    image = Image.new("RGB", size, (203, 211, 216))
    draw = ImageDraw.Draw(image)
    width, height = size
    board = (width * 0.06, height * 0.14, width * 0.94, height * 0.5)
    draw.rounded_rectangle(board, radius=12, fill=(140, 28, 34), outline=(233, 196, 106), width=6)
    letters = min(round(height * 0.2), round(width * 0.8 / max(len(name), 1)))
    middle = (width / 2, (board[1] + board[3]) / 2)
    draw.text(middle, name, font=face.at(letters), fill=(255, 244, 214), anchor="mm")
    draw.rectangle((width * 0.1, height * 0.5, width * 0.9, height), fill=(92, 104, 112))
    draw.rectangle((width * 0.42, height * 0.66, width * 0.58, height), fill=(61, 70, 77))
    for index, line in enumerate(lines):
        place = (width / 2, height * (0.56 + 0.06 * index))
        draw.text(place, face.clean(line), font=face.at(round(height * 0.042)), fill="white", anchor="mm")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
