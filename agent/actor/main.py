"""`branchline-agent actor --config FILE`: start or say in one sentence why not; the path in place outlives it."""

import argparse
import ipaddress
import logging
import os
import pwd
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.actor.core import Actor
from agent.actor.server import Server, now_s
from agent.actor.state import StateFile
from agent.config import BranchSettings
from branchline.settings import SettingsError, load
from failover import actuators
from failover.actuators.base import ActuatorError
from failover.actuators.settings import ActuatorSettings, PathPlan

SOCKET, STATE = "actor.sock", "actor.json"


def main(argv: Sequence[str]) -> int:
    """Run the actor. Exit codes: 0 stopped, 1 the system or a missing right forbids it, 2 settings."""
    parser = argparse.ArgumentParser(prog="branchline-agent actor", description="move the branch's traffic")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the agent's settings file")
    parser.add_argument("--verbose", action="store_true", help="log snapshots and counter readings too")
    options = parser.parse_args(argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.DEBUG if options.verbose else logging.INFO, format="actor: %(message)s"
    )
    try:
        settings = load(options.config, BranchSettings)
    except SettingsError as error:
        print(f"branchline-agent actor: {error}", file=sys.stderr)  # noqa: T201 - the answer to a command
        return 2
    try:
        return _serve(settings)
    except ActuatorError as error:
        print(f"branchline-agent actor: {error}", file=sys.stderr)  # noqa: T201 - the answer to a command
    except OSError as error:
        what = error.filename or settings.agent.run_dir
        remedy = f"start the actor by branchline-actor.service, or as a user who may write {settings.agent.run_dir}"
        print(f"branchline-agent actor: {what}: {error.strerror}; {remedy}", file=sys.stderr)  # noqa: T201 - as above
    return 1


def _serve(settings: BranchSettings) -> int:
    run_dir = Path(settings.agent.run_dir)
    run_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    actuator = actuators.load(settings.actor.actuator, plan(settings))
    actor = Actor(actuator, StateFile(run_dir / STATE), tuple(path.name for path in settings.path))
    actor.start(now_s())
    uids, gid = _allowed(settings.actor.agent_user)
    server = Server(actor, run_dir / SOCKET, uids=uids, gid=gid)
    logging.getLogger("branchline.actor").info("listening at %s", run_dir / SOCKET)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    try:
        server.serve()
    finally:
        server.close()
    return 0


def plan(settings: BranchSettings) -> ActuatorSettings:
    """The actuator's own view of the settings file."""
    canary = settings.canary.ipv4 if settings.canary else ""
    first = int(ipaddress.IPv4Network(canary, strict=False).network_address) + 3 if canary else 0
    return ActuatorSettings(
        tuple(
            PathPlan(
                path.name,
                path.interface,
                path.gateway_ipv4,
                path.gateway_ipv6,
                path.dns,
                path.ipv6_prefix,
                path.mtu,
                str(ipaddress.IPv4Address(first + place)) if canary else "",
            )
            for place, path in enumerate(settings.path)
        ),
        settings.actor.lan_interface,
        settings.actor.resolv_file,
        canary,
    )


def _allowed(user: str) -> tuple[set[int], int]:
    """The user ids that may ask, and the group of the socket: the agent's, or root's alone while it has no user."""
    own = os.geteuid()
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        logging.getLogger("branchline.actor").info("there is no user %s: only root may ask", user)
        return {0, own}, os.getegid()
    return {0, own, entry.pw_uid}, entry.pw_gid if own == 0 else os.getegid()
