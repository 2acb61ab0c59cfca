"""The demo's last line for machines."""

import statistics
from collections.abc import Mapping

from lab.demo.picture import Picture


def summary(
    picture: Picture, *, messages: int, page_url: str, first_page_s: float | None, memory_mib: float | None
) -> dict[str, object]:
    """What was seen. `lost`: records that could leave their branch and were not acknowledged by the end."""
    news = picture.news
    switch_ms = [move.after_ms for move in news.kept_moves if move.after_ms is not None] if news else []
    return {
        "branches": news.branches if news else 0,
        "lines": news.lines if news else 0,
        "states": dict(picture.states),
        "moves": len(news.kept_moves) if news else 0,
        "incidents": picture.by_cause(),
        "messages": messages,
        "real_agents": 1 if picture.agent else 0,
        "links": _links(picture.agent),
        "records": news.produced if news else 0,
        "held": news.held if news else 0,
        "lost": news.lost if news else 0,
        "page_url": page_url,
        "first_page_s": first_page_s,
        "memory_mib": memory_mib,
        "cpu_pct": news.cpu_pct if news else None,
        "switch_ms": {
            "median": round(statistics.median(switch_ms), 1) if switch_ms else None,
            "max": max(switch_ms, default=None),
        },
    }


def _links(status: Mapping[str, object] | None) -> dict[str, object]:
    paths = status.get("paths") if status else None
    return {
        str(path["path"]): {name: path[name] for name in ("state", "rtt_ms", "loss_pct")}
        for path in (paths if isinstance(paths, list) else [])
    }
