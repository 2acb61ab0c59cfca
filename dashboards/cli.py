"""`branchline dashboards`: build, check, export and push the Grafana dashboards."""

import argparse
import json
import sys
from pathlib import Path

from dashboards import model
from dashboards.check import as_json, as_text, check
from dashboards.errors import DashboardsError
from dashboards.influx import Influx
from dashboards.names import DASHBOARDS, PAGE_URL
from dashboards.provisioning import Wanted, files, with_page
from dashboards.push import push

GENERATED = Path(__file__).parent / "generated"
_WANTED = Wanted()
_EPILOG = """\
examples:
  branchline dashboards export --dir /etc/grafana/provisioning
  branchline dashboards build --check
  branchline dashboards check --influx http://127.0.0.1:8086 --database bl
  branchline dashboards push --url https://grafana --token-file token --dry-run

exit codes: 0 done, 1 it failed or found a fault, 2 wrong usage"""


def main(argv: list[str]) -> int:
    """Run one sub-command. Exit codes: 0 done, 1 it failed or found a fault, 2 wrong usage."""
    options = _parser().parse_args(argv)
    try:
        return int(_COMMANDS[options.command](options))
    except DashboardsError as error:
        print(f"branchline: {error}", file=sys.stderr)
        return 1


def _build(options: argparse.Namespace) -> int:
    try:
        from dashboards.build import build  # noqa: PLC0415 - only this sub-command needs the SDK
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("grafana_foundation_sdk"):
            raise
        raise DashboardsError(
            'build needs the package grafana-foundation-sdk: pip install "grafana-foundation-sdk>=0.0.21,<1"'
        ) from error
    stale = []
    for uid, body in build().items():
        path = options.dir / f"{uid}.json"
        if path.is_file() and path.read_bytes() == body:
            continue
        stale.append(uid)
        if not options.check:
            _write(path, body)
    if options.check and stale:
        print(f"not what the code makes: {', '.join(stale)}; run `branchline dashboards build`", file=sys.stderr)
        return 1
    print(f"{len(DASHBOARDS) - len(stale)} as they were, {len(stale)} written")
    return 0


def _check(options: argparse.Namespace) -> int:
    boards = model.read(options.dir)
    if bool(options.influx) != bool(options.database):
        print("branchline: --influx and --database go together; give both or neither", file=sys.stderr)
        return 2
    if (options.need_rows or options.set) and not options.influx:
        print("branchline: --need-rows and --set say how queries are asked; give --influx too", file=sys.stderr)
        return 2
    influx = None
    if options.influx:
        token = _secret(options.token_file) if options.token_file else ""
        password = _secret(options.password_file) if options.password_file else ""
        login = {"token": token, "username": options.username, "password": password}
        influx = Influx(options.influx, options.database, **login)
    values = dict(options.set)
    report = check(boards, folder=options.schemas, influx=influx, need_rows=options.need_rows, values=values)
    print(json.dumps(as_json(report), indent=2, ensure_ascii=False) if options.json else as_text(report))
    return 0 if report.good else 1


def _export(options: argparse.Namespace) -> int:
    where = options.dashboards_path or str(options.dir.resolve() / "dashboards" / "branchline")
    wanted = Wanted(
        version=options.influx_version,
        influx_url=options.influx_url,
        database=options.database,
        username=options.username,
        secret=options.secret,
        dashboards_path=where,
        page_url=options.page_url,
    )
    for name, text in files(model.read(GENERATED), wanted).items():
        path = options.dir / name
        _write(path, text.encode())
        print(path)
    return 0


def _push(options: argparse.Namespace) -> int:
    boards = {uid: with_page(board, options.page_url) for uid, board in model.read(GENERATED).items()}
    token = _secret(options.token_file)
    refused = False
    for each in push(boards, url=options.url, token=token, dry_run=options.dry_run, overwrite=options.overwrite):
        line = {"what": each.what, "outcome": each.outcome, "refused": each.refused}
        print(json.dumps(line) if options.json else f"{each.what:26} {each.outcome}", flush=True)
        refused = refused or each.refused
    return int(refused)


_COMMANDS = {"build": _build, "check": _check, "export": _export, "push": _push}


def _write(path: Path, body: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    except OSError as error:
        raise DashboardsError(f"{path}: cannot be written: {error.strerror}") from error


def _secret(path: Path) -> str:
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DashboardsError(f"{path}: cannot be read: {error}") from error
    if not text or any(not each.isprintable() for each in text):
        raise DashboardsError(f"{path}: holds no secret; write it alone on one line")
    return text


def _pair(words: str) -> tuple[str, str]:
    name, equals, value = words.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{words!r} is not NAME=VALUE, such as branch=nantes-01")
    return name, value


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="branchline dashboards", description="The Grafana dashboards.", epilog=_EPILOG, formatter_class=raw
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, what: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=what, description=what, epilog=_EPILOG, formatter_class=raw)

    build = add("build", "make the JSON files from the code (developers)")
    build.add_argument("--check", action="store_true", help="write nothing; exit code 1 when a file would change")
    build.add_argument("--dir", type=Path, default=GENERATED, metavar="DIR", help="where the JSON files are")

    checks = add("check", "check the dashboards by rules, schemas and on a database")
    checks.add_argument("--dir", type=Path, default=GENERATED, metavar="DIR", help="where the JSON files are")
    checks.add_argument("--schemas", type=Path, metavar="DIR", help="folder `jsonschema` of grafana-foundation-sdk")
    checks.add_argument("--influx", default="", metavar="URL", help="run every query on this InfluxDB")
    checks.add_argument("--database", default="", metavar="NAME", help="its database")
    checks.add_argument("--token-file", type=Path, metavar="FILE", help="token of InfluxDB 2 or 3")
    checks.add_argument("--username", default="", metavar="NAME", help="user of InfluxDB 1")
    checks.add_argument("--password-file", type=Path, metavar="FILE", help="password of that user")
    checks.add_argument("--need-rows", action="store_true", help="a query that returns no row is a fault")
    checks.add_argument(
        "--set", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="choose a variable"
    )
    checks.add_argument("--json", action="store_true", help="print one JSON document")

    export = add("export", "write Grafana's provisioning files: data source, provider, dashboards")
    export.add_argument("--dir", type=Path, required=True, metavar="DIR", help="such as /etc/grafana/provisioning")
    export.add_argument("--influx-version", choices=("1", "2", "3"), default="2", help="of the database")
    export.add_argument("--influx-url", default=_WANTED.influx_url, metavar="URL", help="as Grafana reaches it")
    export.add_argument("--database", default=_WANTED.database, metavar="NAME", help="database; of 2 by DBRP mapping")
    export.add_argument(
        "--username", default="", metavar="NAME", help="user of InfluxDB 1, password in the environment"
    )
    export.add_argument(
        "--secret", default=_WANTED.secret, metavar="PLACE", help="$__file{/path} or $NAME with the header of 2 and 3"
    )
    export.add_argument("--dashboards-path", default="", metavar="DIR", help="where Grafana finds the JSON files")

    pushes = add("push", "put the dashboards on a running Grafana; deletes nothing there")
    pushes.add_argument("--url", required=True, metavar="URL", help="of Grafana")
    pushes.add_argument("--token-file", type=Path, required=True, metavar="FILE", help="service account token")
    pushes.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
    pushes.add_argument("--overwrite", action="store_true", help="replace dashboards that differ there")
    pushes.add_argument("--json", action="store_true", help="print one JSON object on each line")
    for each in (export, pushes):
        each.add_argument("--page-url", default=PAGE_URL, metavar="URL", help="where people reach the collector's page")
    return parser
