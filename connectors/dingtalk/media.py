"""Uploading a picture, which gives a media id that messages inside DingTalk may show."""

from __future__ import annotations

from connectors.deadline import Deadline
from connectors.dingtalk.api import Api
from connectors.protocol import ConnectorError, ErrorClass, Picture

DEFAULT_LIMIT = 20 << 20
"""Bytes of an image that the service takes."""

_FORMATS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpg"), (b"GIF8", "gif"), (b"BM", "bmp"))


def image_format(data: bytes) -> str | None:
    """`png`, `jpg`, `gif` or `bmp` by the first bytes, None for anything else."""
    return next((name for start, name in _FORMATS if data.startswith(start)), None)


def upload(api: Api, picture: Picture, limit: int, deadline: Deadline) -> str:
    """The media id of the uploaded picture. An upload is seen by nobody, so it may be repeated.

    Raises ConnectorError PERMANENT `picture_format`, `picture_too_large` before any call.
    """
    kind = image_format(picture.png)
    if kind is None:
        raise ConnectorError(ErrorClass.PERMANENT, "picture_format", "DingTalk takes png, jpg, gif and bmp images")
    if len(picture.png) > limit:
        raise ConnectorError(
            ErrorClass.PERMANENT, "picture_too_large", f"{len(picture.png)} bytes exceed the limit of {limit}"
        )
    mime = {"jpg": "image/jpeg"}.get(kind, f"image/{kind}")
    data = api.oapi(
        "media/upload",
        deadline,
        safe=True,
        data={"type": "image"},
        files={"media": (picture.name, picture.png, mime)},
    )
    media_id = data.get("media_id")
    if not isinstance(media_id, str):
        raise ConnectorError(ErrorClass.TRANSIENT, "bad_answer", "DingTalk gave no media id")
    return media_id
