"""FakeGrafana: the part of Grafana's HTTP API that `push` uses, as strict as its documentation (Debian has no Grafana).

Sources: Grafana's HTTP API pages for dashboards, folders, data sources and authentication. Answers 401 without the
token, 400 for a body that is no classic dashboard or names an unknown folder, 404 for what is not there, 412 for a
version that is not the newest. What it does not know it answers with 404 and keeps in `strange`.
"""

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


class FakeGrafana:
    """State and rules; `serve` puts it on a port of loopback."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.folders: dict[str, str] = {}
        self.dashboards: dict[str, Json] = {}
        self.datasources: dict[str, Json] = {}
        self.requests: list[tuple[str, str]] = []
        self.strange: list[tuple[str, str]] = []
        self.before_save: Json | None = None  # somebody saves this the moment before the next save arrives

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Json]:
        """Status and JSON of one request."""
        self.requests.append((method, path))
        if token != f"Bearer {self.token}":
            return 401, {"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401}
        match method, path.removeprefix("/api").strip("/").split("/"):
            case "GET", ["frontend", "settings"]:
                return 200, {"buildInfo": {"version": "13.0.1", "edition": "Open Source"}}
            case "GET", ["datasources", "uid", uid]:
                found = self.datasources.get(uid)
                return (200, found) if found else (404, {"message": "Data source not found"})
            case "GET", ["folders", uid]:
                title = self.folders.get(uid)
                return (200, {"uid": uid, "title": title}) if title else (404, {"message": "folder not found"})
            case "POST", ["folders"]:
                return self._make_folder(_parsed(body))
            case "GET", ["dashboards", "uid", uid]:
                board = self.dashboards.get(uid)
                return (200, copy.deepcopy(board)) if board else (404, {"message": "Dashboard not found"})
            case "POST", ["dashboards", "db"]:
                return self._save(_parsed(body))
        self.strange.append((method, path))
        return 404, {"message": "Not found"}

    def _make_folder(self, body: Json | None) -> tuple[int, Json]:
        if body is None or not body.get("title"):
            return 400, {"message": "folder title cannot be empty"}
        if body.get("uid") in self.folders:
            return 412, {"message": "the folder has been changed by someone else"}
        self.folders[body["uid"]] = body["title"]
        return 200, body

    def _save(self, body: Json | None) -> tuple[int, Json]:
        if self.before_save is not None:
            saved, self.before_save = self.before_save, None
            self._store(saved)
        board = (body or {}).get("dashboard")
        if body is None or not isinstance(board, dict) or not board.get("title"):
            return 400, {"message": "Dashboard title cannot be empty"}
        if "folderId" in body or body.get("folderUid", "") not in self.folders:
            return 400, {"message": "folder not found"}
        if len(board.get("uid", "")) > 40 or not board.get("uid"):
            return 400, {"message": "uid too long, max 40 characters"}
        if board.get("id") is not None:
            return 404, {"message": "Dashboard not found", "status": "not-found"}
        there = self.dashboards.get(board["uid"])
        if there and not body.get("overwrite") and board.get("version", 0) != there["dashboard"]["version"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        return 200, self._store(board)

    def _store(self, board: Json) -> Json:
        there = self.dashboards.get(board["uid"])
        version = 1 + (there["dashboard"]["version"] if there else 0)
        kept = {**copy.deepcopy(board), "id": 7, "version": version}
        self.dashboards[board["uid"]] = {"dashboard": kept, "meta": {"folderUid": "branchline"}}
        return {"status": "success", "uid": board["uid"], "version": version}


def _parsed(body: bytes) -> Json | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@contextmanager
def serve(grafana: FakeGrafana) -> Iterator[str]:
    """It listens; the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = grafana.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="fake-grafana")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
