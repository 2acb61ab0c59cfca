"""The settings files of the demo's agent and collector, as anybody would write them."""

import json
import socket
import urllib.parse
import urllib.request
from pathlib import Path

from collector.inventory.file import save
from lab.fleet.places import build_inventory
from lab.own_links import OwnLink, settings_text

WEB_PORT = 8480
WEB_PORTS_TRIED = 20
MERGE = "10s"
"""What belongs together is gathered this long before people are told; 45 s by default."""
CLEAR_AFTER = "30s"
"""All must stay well this long before an incident is resolved; 2 min by default."""
DATABASE = "branchline_demo"
LOOPBACK = "127.0.0.1"
LOOPBACK_S = 1.0
INFLUX_S = 5.0


def agent_file(folder: Path, links: list[OwnLink], broker_port: int) -> Path:
    """Settings of the real agent on this machine's links."""
    file = folder / "agent.toml"
    broker = f'[broker]\nhost = "{LOOPBACK}"\nport = {broker_port}\nprotocol = "3.1.1"\n\n'
    file.write_text(settings_text(links, folder) + broker)
    return file


def collector_file(folder: Path, *, broker_port: int, web_port: int, receiver_port: int, influx: str = "") -> Path:
    """Settings of the collector, beside its inventory; `influx` is the URL of an InfluxDB 1, or "" for its own file."""
    store = f'kind = "influx1"\nurl = {json.dumps(influx)}\ndatabase = "{DATABASE}"' if influx else 'kind = "sqlite"'
    inventory = folder / "inventory.toml"
    save(inventory, build_inventory(), force=False)
    file = folder / "collector.toml"
    file.write_text(
        f'[collector]\nname = "collector"\ndata_dir = {json.dumps(str(data_dir(folder)))}\n\n'
        f'[broker]\nhost = "{LOOPBACK}"\nport = {broker_port}\nprotocol = "3.1.1"\n\n'
        f"[store]\n{store}\n\n"
        f"[inventory]\nfiles = [{json.dumps(str(inventory))}]\n\n"
        f'[incidents]\nmerge = "{MERGE}"\nclear_after = "{CLEAR_AFTER}"\n\n'
        f'[web]\nlisten = "{LOOPBACK}:{web_port}"\n\n'
        '[[notify]]\nname = "terminal"\nkind = "webhook"\nseverities = ["page", "work"]\n'
        f'url = "http://{LOOPBACK}:{receiver_port}/"\n'
    )
    return file


def make_database(influx: str) -> None:
    """Make the demo's database in an InfluxDB 1 unless it is there.

    Raises:
        OSError: it does not answer, or refuses.
    """
    query = urllib.parse.urlencode({"q": f'CREATE DATABASE "{DATABASE}"'}).encode()
    with urllib.request.urlopen(f"{influx.rstrip('/')}/query", data=query, timeout=INFLUX_S):  # noqa: S310 - http(s), checked
        pass


def data_dir(folder: Path) -> Path:
    """Where the collector keeps its data."""
    return folder / "collector"


def free_web_port() -> int:
    """The page's usual port, the next free one if somebody has it, or any.

    Raises:
        OSError: this machine has no loopback.
    """
    for port in (*range(WEB_PORT, WEB_PORT + WEB_PORTS_TRIED), 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((LOOPBACK, port))
                sock.listen(1)  # somebody may be bound and not yet listening
                socket.create_connection(
                    sock.getsockname(), timeout=LOOPBACK_S
                ).close()  # one that is down can be bound
            except OSError:
                if port == 0:
                    raise
                continue
            return int(sock.getsockname()[1])
    raise AssertionError("port 0 is free or an error")
