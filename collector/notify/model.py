"""What is to be told to receivers. Values only."""

from enum import StrEnum

import msgspec

from collector.incidents.model import Incident


class NoticeEvent(StrEnum):
    """What happened to the incident."""

    TRIGGER = "trigger"
    UPDATE = "update"  # worse, another cause, acknowledged
    RESOLVE = "resolve"


class Notice(msgspec.Struct, frozen=True):
    """One thing to tell, as the incident was then. `number` orders notices and is never used twice."""

    number: int
    event: NoticeEvent
    at_s: float
    incident: Incident


NOTICES_SCHEMA = """CREATE TABLE IF NOT EXISTS notices(
    number INTEGER PRIMARY KEY AUTOINCREMENT, incident TEXT NOT NULL, event TEXT NOT NULL, at_s REAL NOT NULL,
    body BLOB NOT NULL)"""
"""Written by the incident desk in the transaction that changes the incident; `body` is the incident as MessagePack."""
