"""From the boards to JSON bytes, always the same for the same code."""

import json
from collections.abc import Callable
from pathlib import Path

from dashboards import names
from dashboards.boards import branch, failover_5g, noc_isp, noc_wall, pipeline, sla
from dashboards.sdk import JSONEncoder, models

GENERATED = Path(__file__).parent / "generated"
_BOARDS: dict[str, Callable[[], models.Dashboard]] = {
    names.WALL.uid: noc_wall.board,
    names.ISP.uid: noc_isp.board,
    names.BRANCH.uid: branch.board,
    names.FAILOVER.uid: failover_5g.board,
    names.SLA.uid: sla.board,
    names.PIPELINE.uid: pipeline.board,
}


def build() -> dict[str, bytes]:
    """Each dashboard's uid and its JSON, as it is committed in `dashboards/generated/`."""
    return {uid: render(board()) for uid, board in _BOARDS.items()}


def render(board: models.Dashboard) -> bytes:
    """Sorted keys, two spaces, a line end: a change of one panel is a change of its lines."""
    document = json.loads(json.dumps(board, cls=JSONEncoder))
    for each in (*document["links"], *document["annotations"]["list"]):
        del each["placement"]  # the SDK knows one only, a menu; without it links and switches stand on top
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()
