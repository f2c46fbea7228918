"""The recogniser: rapidocr, its model loaded once a process."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Sequence
from typing import Any

from PIL import Image

from connectors.ocr.names import EXTRA_MISSING, Line
from connectors.protocol import ConnectorError, ErrorClass

_lock = threading.Lock()
_loaded: list[Any] = []


def read(image: Image.Image) -> list[Line]:
    """The lines of text in an RGB picture, from the top. One reading at a time in a process, one thread each.

    Raises ConnectorError CONFIGURATION `extra_missing` when the extra `ocr` is not installed.
    """
    with _lock:
        recogniser = _recogniser()
        import numpy

        pixels = numpy.asarray(image)[:, :, ::-1]
        found = recogniser(numpy.ascontiguousarray(pixels))
    if found.boxes is None:
        return []
    return [
        Line(str(text), _height(box), float(score))
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
    ]


def _recogniser() -> Any:
    if not _loaded:
        try:
            from rapidocr import RapidOCR
        except ImportError as error:
            raise ConnectorError(ErrorClass.CONFIGURATION, "extra_missing", EXTRA_MISSING) from error
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        _loaded.append(
            RapidOCR(
                params={
                    "Global.log_level": "error",
                    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                }
            )
        )
    return _loaded[0]


def _height(box: Sequence[Sequence[float]]) -> float:
    """Of a box given by its corners from the top left, clockwise: the mean of its left and its right side."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = ((float(x), float(y)) for x, y in box)
    return (math.hypot(x3 - x0, y3 - y0) + math.hypot(x2 - x1, y2 - y1)) / 2
