"""What an apply must satisfy before anything is touched. Pure."""

from failover import safety
from failover.actuators.protocol import Apply

SHORTEST_TRIAL_S, LONGEST_TRIAL_S = 0.5, 60.0


def refuse(request: Apply, paths: tuple[str, ...], in_use: str) -> str | None:
    """Why this apply must not happen, as one sentence; None: it may. `in_use` is empty when no path is."""
    if request.path not in paths:
        return f"path {request.path!r} is not in the actor's settings; it knows {', '.join(paths)}"
    if not request.id:
        return "an apply needs an id, to be committed or rolled back by"
    if not SHORTEST_TRIAL_S <= request.rollback_after_s <= LONGEST_TRIAL_S:
        return (
            f"rollback_after_s is {request.rollback_after_s:g}; "
            f"it must be between {SHORTEST_TRIAL_S:g} and {LONGEST_TRIAL_S:g}"
        )
    if in_use in {"", request.path}:  # no path is left
        return None
    return safety.refuse(request.kind, request.evidence)
