"""Carrying out what was decided: outbox → relay → Dramatiq → connector → attempt → receipt."""

from engine.actions.dispatcher import Dispatcher
from engine.actions.receipts import receipt

__all__ = ["Dispatcher", "receipt"]
