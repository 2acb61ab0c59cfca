"""The product in the lab's network: headquarters (broker, database, collector), branch (canary, actor, agent)."""

import http.client
import json
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.control import Status, ask_agent
from agent.spool import SpoolStats
from lab import house_settings, topology
from lab.events import EventLog, HeardLog
from lab.house_settings import DATABASE, HTTP_PORT, MQTT_PORT, HouseOptions
from lab.namespaces import LabError
from lab.network import Network
from wire.messages import LinkState

_START_S = 20.0
# The agent runs as root without a single capability: it must need none, and a home directory stays readable.
_NO_RIGHTS = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")


class Series(NamedTuple):
    """One series of the database's answer."""

    tags: dict[str, str]
    values: list[list[object]]


class SamplesLane(NamedTuple):
    """The agent's samples lane: the last number given, and the last one acknowledged."""

    epoch: str
    last_seq: int
    acknowledged: int


class House:
    """Starts the product's own commands and knows their files."""

    def __init__(self, network: Network, options: HouseOptions) -> None:
        self._network = network
        self._supervisor = network.supervisor
        self._options = options
        folder = network.folder
        self.run_dir = folder / "run"
        self.events = EventLog(folder / "agent.out")
        self.heard = HeardLog(folder / "heard")
        self._branch_file, self._collector_file = folder / "agent.toml", folder / "collector.toml"

    def start_headquarters(self) -> None:
        """Start broker, database, collector and the lab's listener; does not wait."""
        folder = self._network.folder
        for part in ("broker", "collector", "influx/meta"):
            (folder / part).mkdir(parents=True)
        (folder / "mosquitto.conf").write_text(house_settings.mosquitto(folder))
        (folder / "influxd.conf").write_text(house_settings.influxd(folder))
        self._collector_file.write_text(house_settings.collector(folder))
        start = self._supervisor.start
        start("broker", "hq", ("mosquitto", "-c", str(folder / "mosquitto.conf")), restart=True)
        start("database", "hq", ("influxd", "-config", str(folder / "influxd.conf")), restart=True)
        start("collector", "hq", _branchline("collector", "run", self._collector_file), real=True, restart=True)
        command = (sys.executable, "-m", "lab.listener", str(MQTT_PORT), str(folder / "heard"))
        start("listener", "hq", command)

    def create_database(self) -> None:
        """Wait for the database and make the one the collector writes to."""
        self._supervisor.wait_for(self._database_made, _START_S, "the start of the database")

    def _database_made(self) -> bool:
        try:
            self.query(f"CREATE DATABASE {DATABASE}")
        except OSError:
            return False
        return True

    def query(self, text: str) -> list[Series]:
        """Ask the database in InfluxQL; the series of the answer.

        Raises:
            OSError: it does not answer.
            LabError: it refuses.
        """
        with self._network.spaces.inside("hq"):
            connection = http.client.HTTPConnection("127.0.0.1", HTTP_PORT, timeout=5)
            try:
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                body = "db=" + DATABASE + "&epoch=ns&q=" + text.replace("%", "%25").replace("+", "%2B")
                connection.request("POST", "/query", body.replace(" ", "+"), form)
                answer = json.loads(connection.getresponse().read())
            except (http.client.HTTPException, ValueError) as error:
                raise ConnectionError(f"the database answered with something else: {error!r}") from error
            finally:
                connection.close()
        result = answer.get("results", [{}])[0]
        if "error" in answer or "error" in result:
            raise LabError(f"the database refused {text!r}: {answer.get('error') or result['error']}")
        return [Series(found.get("tags", {}), found["values"]) for found in result.get("series", [])]

    def prepare_branch(self) -> None:
        """Write the branch's file and start canary and actor; does not wait for them."""
        folder = self._network.folder
        canary = self._network.spaces.name("canary")
        text = house_settings.agent(self._options, folder, canary, self._network.certificates)
        self._branch_file.write_text(text)
        create = (*_branchline("agent", "canary", self._branch_file), "--create")
        made = self._supervisor.start("canary-create", "rtr", create, real=True, once=True)
        command = _branchline("agent", "actor", self._branch_file)
        self._supervisor.start("actor", "rtr", command, real=True, restart=True)
        self._supervisor.wait_for(lambda: not made.alive, _START_S, "the making of the canary's namespace")
        if made.returncode != 0:
            raise LabError(f"the canary's namespace was not made: {made.last_words()}")
        command = _branchline("agent", "canary", self._branch_file)
        self._supervisor.start("canary", "canary", command, real=True, restart=True)
        waited = [self.run_dir / "actor.sock", self.run_dir / "canary.sock"]
        self._supervisor.wait_for(lambda: all(f.exists() for f in waited), _START_S, "the start of actor and canary")

    def start_agent(self) -> None:
        """Start the agent and wait until it says that it is ready."""
        command = (*_NO_RIGHTS, *_branchline("agent", "run", self._branch_file), "--events-stdout")
        process = self._supervisor.start("agent", "rtr", command, real=True, restart=True)
        ready = self._supervisor.wait_for(lambda: bool(self.events.update()) or self.events.ready_count > 0, _START_S)
        if not ready:
            raise LabError(f"the agent was not ready within {_START_S:g} s: {process.last_words()}")

    def wait_until_steady(self, patience_s: float = 40.0) -> None:
        """Wait until every path is up and headquarters has heard of it."""

        def steady() -> bool:
            self.events.update()
            states = self.events.states()
            up = [path for path, state in states.items() if state is LinkState.UP]
            return len(up) == len(topology.CARRIERS) and bool(self.heard.update())

        if not self._supervisor.wait_for(steady, patience_s):
            names = {path: state.name for path, state in self.events.states().items()}
            raise LabError(
                f"the branch was not steady within {patience_s:g} s: paths {names}, "
                f"{len(self.heard.heard)} batches at headquarters; the agent's last words: "
                f"{self._supervisor.processes['agent'].last_words()}"
            )

    def spool(self) -> SamplesLane | None:
        """Where the agent's samples lane stands; None while the agent does not answer."""
        try:
            status = ask_agent(self.run_dir / "agent.sock", Status())
        except (OSError, msgspec.MsgspecError):
            return None
        spool = msgspec.convert(status["spool"], SpoolStats)
        return SamplesLane(spool.epoch, spool.samples.last_seq, spool.samples.last_seq - spool.samples.rows)


def _branchline(package: str, command: str, file: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "branchline", package, command, "--config", str(file))
