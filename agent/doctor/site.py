"""What several checks need to know, read once: settings, network, actor, agent, and the user the agent runs as."""

import asyncio
import os
import pwd
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from agent.actor.main import SOCKET as ACTOR_SOCKET
from agent.actor_client import ActorClient, ActorGoneError
from agent.config import BranchSettings
from agent.control import Status, ask_agent
from agent.doctor.processes import Rights, pid_behind, rights_of
from failover.actuators.protocol import Snapshot, SnapshotRequest

if TYPE_CHECKING:
    from agent.doctor.network import NetworkSeen

AGENT_SOCKET = "agent.sock"
ASK_S = 3.0


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that could not be asked, and why. `forbidden`: it may be there, but not for this user."""

    why: str
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class AgentUser:
    """The user of `actor.agent_user`. `uid` None: there is none of that name."""

    name: str
    uid: int | None
    groups: tuple[int, ...]
    rights: Rights | None  # of the running agent


@dataclass(frozen=True, slots=True)
class Site:
    """One branch router. `digest` names the settings file's text."""

    file: Path
    digest: str
    settings: BranchSettings
    network: "NetworkSeen | Missing"
    actor: Snapshot | Missing
    agent: dict[str, Any] | Missing
    user: AgentUser

    @property
    def run_dir(self) -> Path:
        """Where the sockets are."""
        return Path(self.settings.agent.run_dir)

    @property
    def moves_traffic(self) -> bool:
        """Whether the actor changes this machine."""
        return self.settings.actor.actuator == "linux"

    @property
    def active(self) -> str:
        """The path in use as the actor says, or else as table 188 does; empty: unknown."""
        if isinstance(self.actor, Snapshot):
            return self.actor.active
        names = {path.interface: path.name for path in self.settings.path}
        return "" if isinstance(self.network, Missing) else names.get(self.network.interface_in_use, "")


def survey(file: Path, digest: str, settings: BranchSettings) -> Site:
    """Read it all; blocks for some seconds at most."""
    run_dir = Path(settings.agent.run_dir)
    return Site(
        file,
        digest,
        settings,
        _network(settings),
        _actor(run_dir / ACTOR_SOCKET),
        ask(run_dir / AGENT_SOCKET),
        _user(settings.actor.agent_user, run_dir / AGENT_SOCKET),
    )


def ask(file: Path) -> dict[str, Any] | Missing:
    """The agent's own status."""
    try:
        return ask_agent(file, Status())
    except PermissionError:
        return Missing(f"{file} is not yours to open", forbidden=True)
    except (OSError, msgspec.DecodeError) as error:
        return Missing(f"nobody answers on {file} ({getattr(error, 'strerror', None) or error})")


def _network(settings: BranchSettings) -> "NetworkSeen | Missing":
    try:
        from agent.doctor.network import NetlinkError, read  # noqa: PLC0415 - loads the netlink library
    except ImportError as error:
        return Missing(f"{error.name or error} is not installed; install branchline[agent]")
    try:
        return read(settings)
    except NetlinkError as error:
        return Missing(f"the kernel does not tell its routes ({error})")


def _actor(file: Path) -> Snapshot | Missing:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.connect(str(file))
    except PermissionError:
        return Missing(f"{file} is not yours to open", forbidden=True)
    except OSError as error:
        return Missing(f"nobody answers on {file} ({error.strerror or error})")
    return asyncio.run(_ask_actor(file))


async def _ask_actor(file: Path) -> Snapshot | Missing:
    client = ActorClient(file)
    try:
        reply = await client.request(SnapshotRequest(), ASK_S)
    except ActorGoneError as error:
        return Missing(str(error).removesuffix("; is it running?"))
    finally:
        await client.close()
    if isinstance(reply, Snapshot):
        return reply
    return Missing(getattr(reply, "why", "it answers something else"))


def _user(name: str, agent: Path) -> AgentUser:
    pid = pid_behind(agent, socket.SOCK_STREAM)
    rights = rights_of(pid) if pid else None
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        groups = dict.fromkeys([os.getegid(), *os.getgroups()])
        return AgentUser(name, None, rights.groups if rights else tuple(groups), rights)
    groups = dict.fromkeys([entry.pw_gid, *os.getgrouplist(name, entry.pw_gid)])
    return AgentUser(name, entry.pw_uid, rights.groups if rights else tuple(groups), rights)
