"""`ocr.read`: read a shop sign, and say which customer it is, or whom to ask about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from connectors.ocr import names, reader
from connectors.ocr.images import Images
from connectors.outbound import Outbound
from connectors.protocol import ConnectorError, ErrorClass, Receipt, Request
from connectors.settings import Settings

_THRESHOLD, _MARGIN = 80.0, 8.0


class OcrRead:
    """Reads `content.image` (a path, an URL, a `data:` URL) and compares it with `content.candidates`."""

    name = "ocr.read"
    resends_safely = True

    def __init__(self, images: Images, outbound: Outbound, clock: Callable[[], float]) -> None:
        self._images = images
        self._outbound = outbound
        self._clock = clock

    def perform(self, request: Request) -> Receipt:
        """`content`: image, candidates [{id, name, lat?, lon?}], lat?, lon?, threshold (80), margin (8).

        The receipt's result: text (the name as read), lines, decision (`matched`, `ask`, `none`),
        customer_id or None, candidates [{id, name, score}], at most three.
        """
        content = request.content
        source, customers = content.get("image"), _customers(content)
        if not isinstance(source, str) or not source:
            raise _bad("`image` must be a path or an URL")
        here = _position(content)
        threshold, margin = _number(content, "threshold", _THRESHOLD), _number(content, "margin", _MARGIN)
        lines = reader.read(self._images.fetch(source, request.timeout, self._clock()))
        text = names.shop_name(lines)
        decision, offered = names.decide(names.rank(text, customers, here), threshold, margin)
        result = {
            "text": text,
            "lines": [line.text for line in lines],
            "decision": decision,
            "customer_id": offered[0].id if decision == "matched" else None,
            "candidates": [{"id": c.id, "name": c.name, "score": c.score} for c in offered],
        }
        return Receipt("done", None, result)

    def close(self) -> None:
        """Close the connections. The model stays loaded for the process."""
        self._outbound.close()


def connect(values: Mapping[str, Any], clock: Callable[[], float]) -> OcrRead:
    """Settings, all optional: `folder` (photos by path), `image_limit` (bytes, 10 MiB), `allow_hosts`."""
    settings = Settings("ocr.read", values)
    limit = settings.whole("image_limit", 10 << 20)
    folder = settings.optional("folder")
    outbound = Outbound(settings.texts("allow_hosts"), max_body=limit)
    settings.done()
    return OcrRead(Images(folder, limit, outbound), outbound, clock)


def installed() -> bool:
    """Whether the extra `ocr` is there; nothing is imported."""
    return all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime", "rapidfuzz", "numpy"))


def _customers(content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Those that have a name: the others cannot be on a sign, and must not keep it from being read."""
    value = content.get("candidates") or []
    if not isinstance(value, list | tuple) or not all(isinstance(item, Mapping) and "id" in item for item in value):
        raise _bad("`candidates` must be a list of {id, name}")
    return [item for item in value if item.get("name")]


def _position(content: Mapping[str, Any]) -> tuple[float, float] | None:
    lat, lon = content.get("lat"), content.get("lon")
    return None if lat is None or lon is None else (_number(content, "lat", 0.0), _number(content, "lon", 0.0))


def _number(content: Mapping[str, Any], key: str, default: float) -> float:
    value = content.get(key)
    if value is None:
        return default
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise _bad(f"`{key}` must be a number") from error


def _bad(message: str) -> ConnectorError:
    return ConnectorError(ErrorClass.PERMANENT, "bad_content", message)
