"""Files for Grafana's provisioning folder: one data source, one dashboard provider, the dashboards. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dashboards.errors import DashboardsError
from dashboards.model import Json
from dashboards.names import DATASOURCE_UID, FOLDER_TITLE, FOLDER_UID, PAGE_URL

Version = Literal["1", "2", "3"]

MAX_SERIES = 5000
"""Grafana's own limit is 1000: two IP families of 700 lines are more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files say.

    Attributes:
        version: of InfluxDB
        influx_url: as Grafana reaches it
        database: of 1.x; of 2.x and 3 the database that a DBRP mapping or its own name gives
        username: of InfluxDB 1.x, empty: no login; the password comes from the environment
        secret: 2.x and 3: where the token header comes from, `$__file{/path}` or `$NAME` of Grafana's environment
        dashboards_path: where Grafana finds the JSON files
        page_url: where people reach the collector's page
    """

    version: Version = "2"
    influx_url: str = "http://127.0.0.1:8086"
    database: str = "branchline"
    username: str = ""
    secret: str = "$__file{/etc/grafana/influxdb-authorization}"  # noqa: S105 - where it is, not what it is
    dashboards_path: str = "/etc/grafana/provisioning/dashboards/branchline"
    page_url: str = PAGE_URL


def files(boards: Mapping[str, Json], wanted: Wanted) -> dict[str, str]:
    """Relative path -> text.

    Raises:
        DashboardsError: an address is none
    """
    for name, url in (("--influx-url", wanted.influx_url), ("--page-url", wanted.page_url)):
        _check_url(name, url)
    out = {"datasources/branchline.yaml": _datasource(wanted), "dashboards/branchline.yaml": _provider(wanted)}
    for uid, board in boards.items():
        text = json.dumps(with_page(board, wanted.page_url), indent=2, sort_keys=True, ensure_ascii=False)
        out[f"dashboards/branchline/{uid}.json"] = f"{text}\n"
    return out


def with_page(board: Json, page_url: str) -> Json:
    """The dashboard with its links to the collector's page led there.

    Raises:
        DashboardsError: that is no web address
    """
    _check_url("--page-url", page_url)
    variables = [
        {**each, "query": page_url.rstrip("/")} if each["name"] == "page_url" else each
        for each in board["templating"]["list"]
    ]
    return {**board, "templating": {**board["templating"], "list": variables}}


def _check_url(name: str, url: str) -> None:
    if not url.startswith(("http://", "https://")) or any(letter.isspace() or letter in "\"'<>" for letter in url):
        raise DashboardsError(f"{name} {url!r}: write an address such as https://branchline.example.net")


def _datasource(wanted: Wanted) -> str:
    head = f"""\
# Grafana reads this at start. InfluxQL on InfluxDB {wanted.version}.
apiVersion: 1
prune: false
datasources:
  - name: branchline
    uid: {DATASOURCE_UID}
    type: influxdb
    access: proxy
    url: {_quoted(wanted.influx_url)}
    editable: false
"""
    json_data = f"""\
    jsonData:
      version: InfluxQL
      dbName: {_quoted(wanted.database)}
      httpMode: POST
      timeInterval: 10s
      maxSeries: {MAX_SERIES}
"""
    if wanted.version == "1":
        user = f"    user: {_quoted(wanted.username)}\n" if wanted.username else ""
        login = "    secureJsonData:\n      password: $INFLUXDB_PASSWORD\n" if wanted.username else ""
        return head + user + json_data + login
    scheme = "Token" if wanted.version == "2" else "Bearer"
    return f"""\
{head}{json_data}\
      httpHeaderName1: Authorization
    secureJsonData:
      # the whole header, such as `{scheme} abcdef`: in a file readable by Grafana alone, or in its environment
      httpHeaderValue1: {_secret(wanted.secret)}
"""


def _provider(wanted: Wanted) -> str:
    return f"""\
# Grafana reads the JSON files again whenever they change; what is changed in the browser is not kept.
apiVersion: 1
providers:
  - name: branchline
    orgId: 1
    folder: {FOLDER_TITLE}
    folderUid: {FOLDER_UID}
    type: file
    disableDeletion: true
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: {_quoted(wanted.dashboards_path)}
      foldersFromFilesStructure: false
"""


def _quoted(text: str) -> str:
    """A YAML text that Grafana does not expand: JSON's quotes are YAML's, and `$$` is a dollar."""
    return json.dumps(text, ensure_ascii=False).replace("$", "$$")


def _secret(text: str) -> str:
    if not text.startswith("$") or any(letter.isspace() for letter in text):
        raise DashboardsError(
            f"--secret: give the place of the header, $__file{{/path}} or $NAME, never the token itself ({len(text)} "
            "characters were given)"
        )
    return text
