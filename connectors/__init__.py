"""Connectors: what carries an action out of the house. They know the action protocol and nothing of the
engine.
"""

from connectors.protocol import (
    Connector,
    ConnectorError,
    ErrorClass,
    Picture,
    Receipt,
    Recipient,
    Request,
)
from connectors.registry import KINDS, build

__all__ = [
    "KINDS",
    "Connector",
    "ConnectorError",
    "ErrorClass",
    "Picture",
    "Receipt",
    "Recipient",
    "Request",
    "build",
]
