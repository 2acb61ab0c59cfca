"""The collector's settings file. `docs/configuration.md` is made from it."""

from pathlib import Path
from typing import Literal

from branchline.settings import Settings
from branchline.units import Duration, Size
from collector.incidents.settings import IncidentSettings
from collector.notify.settings import NotifySettings
from collector.web.settings import WebSettings
from wire.errors import TopicError
from wire.topics import PARTS, check_name


class WhoSettings(Settings, frozen=True):
    """`[collector]`: name of this collector, its data, and the parts of the fleet it owns.

    The name is also the MQTT client id and the name of its session: two collectors must not share it.

    Attributes:
        name: this collector
        data_dir: journal, dead letters and the table of branches
        parts: the parts of the fleet it owns, or all of them
    """

    name: str
    data_dir: str = "/var/lib/branchline-collector"
    parts: tuple[int, ...] | Literal["all"] = "all"

    def __post_init__(self) -> None:
        try:
            check_name(self.name)
        except TopicError as error:
            raise ValueError(f"name: {error}") from None
        if self.parts == "all":
            return
        if not self.parts:
            raise ValueError('parts: the list is empty; write "all" or numbers from 0 to 63')
        for part in self.parts:
            if not 0 <= part < PARTS:
                raise ValueError(f'parts: {part} is not a part; write "all" or numbers from 0 to {PARTS - 1}')
        if len(set(self.parts)) != len(self.parts):
            raise ValueError("parts: a number stands twice; remove one")

    @property
    def owned_parts(self) -> frozenset[int]:
        """The parts this collector subscribes to."""
        return frozenset(range(PARTS) if self.parts == "all" else self.parts)


class BrokerSettings(Settings, frozen=True):
    """`[broker]`: the MQTT broker.

    Attributes:
        host: name or address of the broker
        port: TCP port; 8883 is usual with TLS
        protocol: MQTT version; some brokers speak only 3.1.1
        username: the MQTT user
        password_file: holds the password on one line; readable by nobody else
        ca_file: trust this authority; switches TLS on
        cert_file: this collector's certificate, with key_file
        key_file: its key; readable by nobody else
        keepalive: MQTT keepalive
        session_expiry: how long the broker keeps messages for a collector that is away
        receive_maximum: deliveries under way at once; the broker's default of 20 starves the group commit
    """

    host: str
    port: int = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    username: str = ""
    password_file: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    keepalive: Duration = Duration(20)
    session_expiry: Duration = Duration(86400)
    receive_maximum: int = 500

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise ValueError(f"port: {self.port} is not between 1 and 65535")
        if not 1 <= self.receive_maximum <= 65535:
            raise ValueError(f"receive_maximum: {self.receive_maximum} is not between 1 and 65535")
        if not 5 <= self.keepalive <= 3600:
            raise ValueError("keepalive: must be between 5s and 1h")
        if not 1 <= self.session_expiry <= 30 * 86400:
            raise ValueError("session_expiry: must be between 1s and 30d")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file: cert_file and key_file go together; give both or neither")


# kind -> (keys it needs, keys it does not know)
_STORE_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sqlite": ((), ("url", "database", "bucket", "org", "token_file", "username", "password_file")),
    "influx1": (("url", "database"), ("bucket", "org", "token_file", "file")),
    "influx2": (("url", "bucket"), ("database", "username", "password_file", "file")),
}


class StoreSettings(Settings, frozen=True):
    """`[store]`: the time-series database.

    `sqlite` is a file of the collector's own; `influx1` writes to `/write` (InfluxDB 1.x), `influx2` to `/api/v2/write`
    (InfluxDB 1.8, 2, 3; VictoriaMetrics).

    Attributes:
        kind: which of them
        file: `sqlite` only; empty: history.db in data_dir
        url: where the database listens
        database: its name; `influx1` only
        bucket: its name; `influx2` only
        org: the organisation; `influx2` only
        token_file: holds the token on one line; `influx2` only; readable by nobody else
        username: with password_file; `influx1` only
        password_file: holds the password on one line; `influx1` only; readable by nobody else
        timeout: of one write
    """

    kind: Literal["sqlite", "influx1", "influx2"] = "sqlite"
    file: str = ""
    url: str = ""
    database: str = ""
    bucket: str = ""
    org: str = ""
    token_file: str = ""
    username: str = ""
    password_file: str = ""
    timeout: Duration = Duration(10)

    def __post_init__(self) -> None:
        needed, foreign = _STORE_KEYS[self.kind]
        for key in needed:
            if not getattr(self, key):
                raise ValueError(f'{key}: kind "{self.kind}" needs it; add it')
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url: {self.url!r} does not start with http:// or https://")
        for key in foreign:
            if getattr(self, key):
                raise ValueError(f'{key}: kind "{self.kind}" does not use it; remove it')
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username: username and password_file go together; give both or neither")
        if not 0.1 <= self.timeout <= 600:
            raise ValueError("timeout: must be between 100ms and 10min")


class JournalSettings(Settings, frozen=True):
    """`[journal]`: how much waits on disk for the database before agents are asked to keep their records.

    Attributes:
        max_size: at this size the collector stops acknowledging; the records then wait at the branches
        segment_size: size of one file of the journal
        dead_letters_max_size: messages nobody can read are kept up to this; then the oldest go, counted
    """

    max_size: Size = Size(4_000_000_000)
    segment_size: Size = Size(16_000_000)
    dead_letters_max_size: Size = Size(100_000_000)

    def __post_init__(self) -> None:
        if self.segment_size < 1_000_000:
            raise ValueError("segment_size: must be at least 1MB")
        if self.max_size < 4 * self.segment_size:
            raise ValueError("max_size: must be at least four times segment_size")
        if self.dead_letters_max_size < 1_000_000:
            raise ValueError("dead_letters_max_size: must be at least 1MB")


class RetentionSettings(Settings, frozen=True):
    """`[retention]`: how long the database keeps what.

    Attributes:
        windows: ten-second windows, flight records and readings
        hourly: hours made from windows
        records: states, moves and incidents
    """

    windows: Duration = Duration(30 * 86400)
    hourly: Duration = Duration(730 * 86400)
    records: Duration = Duration(1826 * 86400)

    def __post_init__(self) -> None:
        if not 2 * 86400 <= self.windows <= self.hourly:
            raise ValueError("windows: must be between 2d and hourly, since hours are made from windows")
        if not self.records >= 86400:
            raise ValueError("records: must be at least 1d")


class InventorySettings(Settings, frozen=True):
    """`[inventory]`: what is known of branches and lines beside what they report.

    Attributes:
        files: one for each tenant, made by `branchline inventory import`
    """

    files: tuple[str, ...] = ()


class LogSettings(Settings, frozen=True):
    """`[log]`: events on standard error.

    Attributes:
        format: `text` for people, `json` one object a line for machines
    """

    format: Literal["text", "json"] = "text"


class CollectorSettings(Settings, frozen=True):
    """The whole file."""

    collector: WhoSettings
    broker: BrokerSettings
    store: StoreSettings = StoreSettings()
    retention: RetentionSettings = RetentionSettings()
    journal: JournalSettings = JournalSettings()
    inventory: InventorySettings = InventorySettings()
    incidents: IncidentSettings = IncidentSettings()
    notify: tuple[NotifySettings, ...] = ()
    web: WebSettings | None = None
    log: LogSettings = LogSettings()

    def __post_init__(self) -> None:
        names = [each.name for each in self.notify]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise ValueError(f'notify[{number + 1}].name: "{name}" stands twice; give each receiver its own name')

    @property
    def data_dir(self) -> Path:
        """Where journal, checkpoint, dead letters and the branch table live."""
        return Path(self.collector.data_dir)
