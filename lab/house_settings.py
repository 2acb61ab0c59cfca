"""The settings files of the lab's house: agent, collector, broker, database. Pure: text out."""

import json
from dataclasses import dataclass
from pathlib import Path

from lab import topology
from lab.certificates import Certificates
from wire.messages import Role
from wire.topics import Address

BRANCH = Address("lab", "branch1", "router1")
DATABASE = "branchline"
MQTT_PORT, HTTP_PORT, INFLUX_RPC_PORT = 1883, 8086, 8088


@dataclass(frozen=True, slots=True)
class HouseOptions:
    """What a scenario may choose. Empty: the agent's own default. Spans as written in settings, such as `3s`."""

    profile: str = "standard"
    hold: str = ""
    window: str = ""
    commit_every: str = ""


def agent(options: HouseOptions, folder: Path, canary: str, certificates: Certificates) -> str:
    """The branch's file, read by agent, actor and canary."""
    text = (
        f'[agent]\ntenant = "{BRANCH.tenant}"\nbranch = "{BRANCH.branch}"\nname = "{BRANCH.agent}"\n'
        f"state_dir = {_text(folder / 'state')}\nrun_dir = {_text(folder / 'run')}\n\n"
        f'[broker]\nhost = "{topology.HQ.ipv4}"\nport = {MQTT_PORT}\n\n'
        f'[probing]\nprofile = "{options.profile}"\n{_span("window", options.window)}\n'
    )
    if options.hold:
        text += f"[failover]\n{_span('hold', options.hold)}{_span('hold_cap', options.hold)}\n"
    if options.commit_every:
        text += f"[spool]\n{_span('commit_every', options.commit_every)}\n"
    for rank, carrier in enumerate(topology.CARRIERS, 1):
        text += (
            f'[[path]]\nname = "{carrier.path}"\ninterface = "{carrier.interface}"\nrank = {rank}\n'
            f'role = "{carrier.role}"\nisp = "{carrier.name}"\nmetered = {_bool(carrier.role is Role.CELL)}\n'
            f'mtu = {carrier.mtu}\ndns = ["{carrier.gateway4}"]\nipv6_prefix = "{carrier.lan6}/64"\n\n'
        )
    for site in topology.SITES:
        text += f'[[anchor]]\nname = "{site.name}"\nipv4 = "{site.ipv4}"\nipv6 = "{site.ipv6}"\n\n'
    return text + (
        f'[proof]\ndns_name = "{topology.PROOF_NAME}"\ntls_host = "{topology.PROOF_NAME}"\n'
        f"tls_port = {topology.TLS_PORT}\ntls_ca_file = {_text(certificates.authority)}\n\n"
        f'[canary]\nnamespace = "{canary}"\n\n'
        f'[actor]\nactuator = "linux"\nlan_interface = "lan0"\nagent_user = "root"\n'
        f"resolv_file = {_text(folder / 'resolv.conf')}\n"
    )


def collector(folder: Path) -> str:
    """The collector's file; it and the database are beside the broker at headquarters."""
    return (
        f'[collector]\nname = "hq1"\ndata_dir = {_text(folder / "collector")}\n\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {MQTT_PORT}\n\n'
        f'[store]\nkind = "influx1"\nurl = "http://127.0.0.1:{HTTP_PORT}"\ndatabase = "{DATABASE}"\n'
    )


def mosquitto(folder: Path) -> str:
    """The broker: open to all of this lab, sessions kept on disk every few seconds."""
    return (
        f"listener {MQTT_PORT}\nallow_anonymous true\nuser root\nlog_dest stderr\nset_tcp_nodelay true\n"
        f"persistence true\npersistence_location {folder / 'broker'}/\nautosave_interval 5\nmax_queued_messages 0\n"
    )


def influxd(folder: Path) -> str:
    """The database, reachable at headquarters only, with every write on disk before it is answered."""
    data = folder / "influx"
    return (
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{INFLUX_RPC_PORT}"\n'
        f"[meta]\n  dir = {_text(data / 'meta')}\n"
        f"[data]\n  dir = {_text(data / 'data')}\n  wal-dir = {_text(data / 'wal')}\n  query-log-enabled = false\n"
        f'[http]\n  bind-address = "127.0.0.1:{HTTP_PORT}"\n  log-enabled = false\n'
        '[monitor]\n  store-enabled = false\n[logging]\n  level = "warn"\n'
    )


def _text(path: Path) -> str:
    return json.dumps(str(path))


def _bool(value: bool) -> str:  # noqa: FBT001  a value, not a switch
    return "true" if value else "false"


def _span(key: str, value: str) -> str:
    return f'{key} = "{value}"\n' if value else ""
