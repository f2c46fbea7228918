"""Where a photo comes from: one folder, an URL through the guard, or the action itself as a `data:` URL."""

from __future__ import annotations

import base64
import binascii
import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from connectors.outbound import Outbound
from connectors.protocol import ConnectorError, ErrorClass
from connectors.statuses import failure

MAX_PIXELS = 50_000_000
_LONGEST_SIDE = 1600


class Images:
    """Fetches photos of at most `limit` bytes. Local paths are read under `folder` only; None refuses them
    all.
    """

    def __init__(self, folder: str | None, limit: int, outbound: Outbound) -> None:
        self._folder = Path(folder).resolve() if folder is not None else None
        self._limit = limit
        self._outbound = outbound

    def fetch(self, source: str, timeout: float, now: float) -> Image.Image:
        """The photo, upright, RGB, its longest side at most 1,600 pixels.

        Raises ConnectorError: `path_refused`, `no_image`, `image_too_large`, `bad_image` (PERMANENT), and
        what the guard and the server of an URL raise.
        """
        scheme = source.partition(":")[0].lower()
        if scheme in ("http", "https"):
            data = self._download(source, timeout, now)
        elif scheme == "data":
            data = _inline(source)
        else:
            data = self._read(source)
        if len(data) > self._limit:
            raise _refused("image_too_large", f"the photo has more than {self._limit} bytes")
        return _decoded(data)

    def _download(self, url: str, timeout: float, now: float) -> bytes:
        reply = self._outbound.send("GET", url, timeout=timeout, safe=True)
        error = failure(reply, now, "the photo's server")
        if error is not None:
            raise error
        return reply.body

    def _read(self, source: str) -> bytes:
        if self._folder is None:
            raise _refused("path_refused", "local photos are read only when the setting 'folder' names their folder")
        path = (self._folder / source).resolve()
        if not path.is_relative_to(self._folder):
            raise _refused("path_refused", "the photo lies outside the folder that photos are read from")
        try:
            with path.open("rb") as file:
                return file.read(self._limit + 1)
        except OSError as error:
            raise _refused("no_image", f"the photo cannot be read: {error.strerror}") from error


def _inline(source: str) -> bytes:
    head, _, text = source.partition(",")
    if not head.endswith(";base64"):
        raise _refused("bad_image", "a data URL must be base64")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise _refused("bad_image", f"the data URL does not decode: {error}") from error


def _decoded(data: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _refused("image_too_large", f"the photo has more than {MAX_PIXELS} pixels")
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise _refused("bad_image", f"this is not a photo: {error}") from error
    upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    return upright


def _refused(code: str, message: str) -> ConnectorError:
    return ConnectorError(ErrorClass.PERMANENT, code, message)
