"""Values for the doctor's tests."""

from typing import Any

from agent.config import PathSettings
from wire.messages import Role

WAN = PathSettings(name="fibre", interface="eth1", rank=1)
CELL = PathSettings(name="5g", interface="wwan0", rank=3, role=Role.CELL)


def status(**changes: Any) -> dict[str, Any]:
    """The agent's status, as far as the doctor reads it. Keys with two underscores reach into it."""
    made: dict[str, Any] = {
        "branch_state": "OK",
        "active": "fibre",
        "config_hash": "cafe",
        "paths": [{"path": "fibre", "state": "UP"}],
        "spool": {
            "trouble": None,
            "events": {"rows": 0, "dropped": 0},
            "samples": {"rows": 0, "dropped": 0},
        },
        "uplink": {
            "connected": True,
            "since_s": 100.0,
            "last_ack_s": 1.0,
            "trouble": None,
            "path": "fibre",
            "events": {"sent": 5, "acked": 5},
            "samples": {"sent": 7, "acked": 7},
        },
    }
    for key, value in changes.items():
        *above, last = key.split("__")
        place = made
        for word in above:
            place = place[word]
        place[last] = value
    return made
