"""Births and last wills of agents. Pure: what was heard in, what is known out."""

import msgspec

from collector.heard import BranchHeard
from wire.messages import Presence


def hear_presence(heard: BranchHeard, presence: Presence, now_s: float) -> BranchHeard:
    """Take a birth or will. A will numbered lower than the last birth, or of another epoch, is stale and ignored.

    What is known already is no news: the broker keeps it and tells it again with every subscription.
    """
    known = heard.connection >= 0
    same = presence.epoch == heard.epoch
    if known and same and presence.connection < heard.connection:
        return heard
    if presence.online is heard.online and same and presence.connection == heard.connection:
        return heard
    if not presence.online:
        if known and not same:
            return heard
        return msgspec.structs.replace(
            heard,
            epoch=presence.epoch,
            connection=presence.connection,
            online=False,
            gone_s=now_s,
            heard_s=heard.heard_s or now_s,
        )
    return msgspec.structs.replace(
        heard,
        epoch=presence.epoch,
        connection=presence.connection,
        online=True,
        heard_s=now_s,
        active=presence.active or heard.active,
        version=presence.version,
        config_hash=presence.config_hash,
    )
