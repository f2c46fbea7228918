"""The durable log and everything decided on it. One transaction writes state and effects together."""

from engine.store.batch import (
    Activation,
    Batch,
    Delivery,
    Key,
    Lease,
    LoadedPartition,
    Logged,
    Parked,
    Reject,
    SavedPack,
    SavedPartition,
    StoredEntity,
)
from engine.store.database import DatabaseStore
from engine.store.keyring import StoredKey
from engine.store.memory import MemoryStore
from engine.store.opening import open_store
from engine.store.outbox import Attempt, OutboxRow, Outcome, Status, Verdict
from engine.store.protocol import Outbox, Store

__all__ = [
    "Activation",
    "Attempt",
    "Batch",
    "DatabaseStore",
    "Delivery",
    "Key",
    "Lease",
    "LoadedPartition",
    "Logged",
    "MemoryStore",
    "Outbox",
    "OutboxRow",
    "Outcome",
    "Parked",
    "Reject",
    "SavedPack",
    "SavedPartition",
    "Status",
    "Store",
    "StoredEntity",
    "StoredKey",
    "Verdict",
    "open_store",
]
