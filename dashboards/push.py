"""Putting the dashboards on a running Grafana through its HTTP API. Nothing is ever deleted there.

grafana-client is imported here only: it replaces urllib3 in its environment (docs/dashboards.md).
"""

import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.errors import DashboardsError
from dashboards.model import Json
from dashboards.names import DATASOURCE_UID, FOLDER_TITLE, FOLDER_UID

TIMEOUT_S = 15.0
FORBIDDEN, NOT_FOUND, CONFLICT = 403, 404, 412


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became, or would become, of one thing. `refused`: it is not as wanted, and was left as it is."""

    what: str
    outcome: str
    refused: bool = False


def push(boards: Mapping[str, Json], *, url: str, token: str, dry_run: bool, overwrite: bool) -> Iterator[Pushed]:
    """Folder first, then each dashboard. `overwrite` replaces one that is there and differs.

    Raises:
        DashboardsError: grafana-client is missing, the server refuses, or a dashboard there changes meanwhile
    """
    api, errors = _connect(url, token)
    try:
        version = (api.health.check() or {}).get("version", "of unknown version")
        yield Pushed(url, f"Grafana {version}")
        yield _datasource(api, errors)
        yield _folder(api, errors, dry_run=dry_run)
        for uid, board in boards.items():
            yield _board(api, errors, uid, board, dry_run=dry_run, overwrite=overwrite)
    except errors.GrafanaUnauthorizedError as error:
        raise DashboardsError(
            f"{url}: refuses the token; make a service account token with the role Editor: {_said(error)}"
        ) from error
    except errors.GrafanaException as error:
        raise DashboardsError(f"{url}: {_said(error)}") from error
    except OSError as error:
        raise DashboardsError(f"{url}: cannot be reached: {error}") from error


def _connect(url: str, token: str) -> tuple[Any, Any]:
    try:
        from grafana_client import GrafanaApi, TokenAuth  # noqa: PLC0415 - see above
        from grafana_client import client as errors  # noqa: PLC0415 - same
    except ModuleNotFoundError as error:
        raise DashboardsError(
            "push needs grafana-client, best in an environment of its own: "
            'python3 -m venv push && push/bin/pip install "branchline[grafana]"'
        ) from error
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise DashboardsError(f"--url {url!r}: write it as https://grafana.example.net")
    api = GrafanaApi.from_url(url, credential=TokenAuth(token=token), timeout=TIMEOUT_S)
    return api, errors


def _datasource(api: Any, errors: Any) -> Pushed:
    try:
        found = api.datasource.get_datasource_by_uid(DATASOURCE_UID)
    except errors.GrafanaClientError as error:
        if error.status_code not in {FORBIDDEN, NOT_FOUND}:
            raise
        return Pushed(
            f"data source {DATASOURCE_UID}", "not seen; make it with `branchline dashboards export` or choose another"
        )
    return Pushed(f"data source {DATASOURCE_UID}", f"there: {found.get('type')}")


def _folder(api: Any, errors: Any, *, dry_run: bool) -> Pushed:
    what = f"folder {FOLDER_UID}"
    try:
        api.folder.get_folder(FOLDER_UID)
    except errors.GrafanaClientError as error:
        if error.status_code != NOT_FOUND:
            raise
        if dry_run:
            return Pushed(what, "would be made")
        api.folder.create_folder(title=FOLDER_TITLE, uid=FOLDER_UID)
        return Pushed(what, "made")
    return Pushed(what, "there")


def _board(api: Any, errors: Any, uid: str, board: Json, *, dry_run: bool, overwrite: bool) -> Pushed:
    version = None
    try:
        there = api.dashboard.get_dashboard(uid)["dashboard"]
        version = int(there["version"])
        if _same(there, board):
            return Pushed(uid, "already the same")
    except errors.GrafanaClientError as error:
        if error.status_code != NOT_FOUND:
            raise
    if version is not None and not overwrite:
        return Pushed(uid, "differs there, left as it is; --overwrite replaces it", refused=True)
    if dry_run:
        return Pushed(uid, "would be made" if version is None else "would be replaced")
    body: Json = {
        "dashboard": {**board, **({} if version is None else {"version": version})},
        "folderUid": FOLDER_UID,
        "message": "branchline dashboards push",
        "overwrite": False,  # a version that is not the newest is refused: nobody's change of this second is lost
    }
    try:
        api.dashboard.update_dashboard(dashboard=body)
    except errors.GrafanaClientError as error:
        if error.status_code != CONFLICT:
            raise
        raise DashboardsError(
            f"{uid}: somebody changed it there this very moment; push again: {_said(error)}"
        ) from error
    return Pushed(uid, "made" if version is None else "replaced")


def _same(there: Json, board: Json) -> bool:
    return {key: there.get(key) for key in board} == board


def _said(error: Any) -> str:
    return str(getattr(error, "message", "") or error)[:300]
