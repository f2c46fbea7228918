"""The stamp on a visit's photo: when, where, who, at whom. And both hashes, so that a later change shows."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from datetime import datetime

from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from connectors.pictures import fonts
from connectors.pictures.fonts import Face
from connectors.protocol import ConnectorError, ErrorClass

MAX_PIXELS = 50_000_000
"""A photo with more is refused before it is decoded."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """The stamped photo, its format (`JPEG` or `PNG`), and SHA-256 in hex of the photo before and after."""

    image: bytes = field(repr=False)
    format: str
    original_sha256: str
    stamped_sha256: str


def stamp(
    photo: bytes,
    *,
    time: datetime,
    lat: float,
    lon: float,
    rep: str,
    customer: str,
    font: Face | str | None = None,
) -> Stamped:
    """`photo` upright, with a dark band at its foot that says time, position, rep and customer.

    JPEG stays JPEG, everything else becomes PNG; EXIF is left behind. The same input gives the same bytes.
    Raises ConnectorError PERMANENT `bad_image`, `image_too_large`.
    """
    face = font if isinstance(font, Face) else fonts.find(font)
    image, kind = _opened(photo)
    labels = ("销售", "客户") if face.cjk else ("rep", "customer")
    lines = [
        f"{time:%Y-%m-%d %H:%M:%S %z}".strip(),
        f"{lat:.6f}, {lon:.6f}",
        f"{labels[0]} {rep}  {labels[1]} {customer}",
    ]
    _band(image, lines, face)
    out = io.BytesIO()
    if kind == "JPEG":
        image.save(out, "JPEG", quality=90)
    else:
        image.save(out, "PNG", compress_level=4)
    data = out.getvalue()
    return Stamped(data, kind, hashlib.sha256(photo).hexdigest(), hashlib.sha256(data).hexdigest())


def _opened(photo: bytes) -> tuple[Image.Image, str]:
    try:
        with Image.open(io.BytesIO(photo)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ConnectorError(
                    ErrorClass.PERMANENT, "image_too_large", f"the photo has more than {MAX_PIXELS} pixels"
                )
            kind = "JPEG" if image.format == "JPEG" else "PNG"
            return ImageOps.exif_transpose(image).convert("RGB"), kind
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ConnectorError(ErrorClass.PERMANENT, "bad_image", f"this is not a photo: {error}") from error


def _band(image: Image.Image, lines: list[str], face: Face) -> None:
    size = max(min(image.width, image.height * 2) // 32, 10)
    high, edge = size * 3 // 2, size
    top = max(image.height - high * len(lines) - edge, 0)
    area = (0, top, image.width, image.height)
    dark = Image.new("RGB", (image.width, image.height - top), (12, 18, 28))
    image.paste(Image.blend(image.crop(area), dark, 0.6), area)
    draw = ImageDraw.Draw(image)
    for index, line in enumerate(lines):
        y = top + edge // 2 + high * index + high // 2
        text = face.fit(line, size, image.width - 2 * edge)
        draw.text((edge, y), text, font=face.at(size), fill="white", anchor="lm")
