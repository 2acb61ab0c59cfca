"""`branchline check-config FILE`: what agent and collector would say about a settings file, without starting them."""

import argparse
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from agent.config import BranchSettings
from branchline import settings
from branchline.settings import SettingsError
from branchline.toml_lines import Key, dotted
from collector.config import CollectorSettings
from collector.inventory.file import load_places
from collector.inventory.places import Places

# Files a settings file may name: those nobody else may read, and those anybody may.
SECRET_FILES = ("password_file", "token_file", "url_file", "key_file")
PUBLIC_FILES = ("ca_file", "cert_file", "tls_ca_file")


@dataclass(frozen=True, slots=True)
class Checked:
    """A correct file. `what` is one of agent, collector; `digest` is what the running process reports of its file."""

    what: str
    summary: str
    digest: str


def check(file: Path, *, files: bool = True) -> Checked:
    """Check one settings file, and with `files` the secrets and certificates it names.

    Raises:
        SettingsError: it cannot be used; the text is the sentence to show.
    """
    text = settings.read(file)
    tables = settings.tables(text, str(file))
    kinds = [name for name in ("agent", "collector") if name in tables]
    if not kinds and "tenant" in tables:
        raise SettingsError(f"{file}: is an inventory; check it with `branchline inventory check {file}`")
    if len(kinds) != 1:
        found = "both an [agent] and a [collector] table; give each its own file"
        missing = "neither an [agent] nor a [collector] table; add the one this file is for"
        raise SettingsError(f"{file}: has {found if kinds else missing}")
    loaded: BranchSettings | CollectorSettings
    if kinds == ["agent"]:
        loaded = settings.parse(text, BranchSettings, str(file))
        address = loaded.agent.address
        name = f"agent {address.tenant}/{address.branch}/{address.agent}"
        summary = f"{name}, {_count(loaded.path, 'path')}, {_count(loaded.anchor, 'anchor')}"
    else:
        loaded = settings.parse(text, CollectorSettings, str(file))
        summary = f"collector {loaded.collector.name}, store {loaded.store.kind}"
    if files:
        for path, named in _named_files(loaded, []):
            fault = _fault(Path(named), secret=path[-1] in SECRET_FILES)
            if fault:
                raise SettingsError(f'{settings.place(str(file), text, path)}: {dotted(path)}: "{named}" {fault}')
        if isinstance(loaded, CollectorSettings):
            summary += f", {_count(tuple(_inventory(loaded).all()), 'listed branch', 'listed branches')}"
    return Checked(kinds[0], summary, settings.digest(text))


def _inventory(loaded: CollectorSettings) -> Places:
    return load_places([Path(each) for each in loaded.inventory.files])


def _count(items: tuple[object, ...], one: str, many: str = "") -> str:
    return f"{len(items)} {one if len(items) == 1 else many or one + 's'}"


def _named_files(value: Any, path: list[Key]) -> Iterator[tuple[list[Key], str]]:
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _named_files(item, [*path, index])
    elif isinstance(value, msgspec.Struct):
        for key in value.__struct_fields__:
            yield from _named_files(getattr(value, key), [*path, key])
    elif path[-1] in SECRET_FILES + PUBLIC_FILES and value:
        yield path, value


def _fault(named: Path, *, secret: bool) -> str:
    try:
        mode = named.stat().st_mode
        if not stat.S_ISREG(mode):
            return "is not a file; name the file itself"
        with named.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        return f"cannot be read ({error.strerror}); put it there, or check with --no-files for another machine"
    if empty:
        return "is empty; write it again"
    if secret and mode & (stat.S_IROTH | stat.S_IWOTH):
        return f"can be read by everybody; run: chmod o-rwx {named}"
    return ""


def main(words: list[str]) -> int:
    """Print one sentence. Exit codes: 0 correct, 2 not."""
    parser = argparse.ArgumentParser(
        prog="branchline check-config",
        description="Check a settings file of agent or collector.\nEvery key stands in docs/configuration.md.",
        epilog="example: branchline check-config /etc/branchline/agent.toml\n\nexit codes: 0 correct, 2 not",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--no-files", action="store_true", help="do not look at the secrets and certificates it names")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    options = parser.parse_args(words)
    answer: dict[str, object] = {"file": str(options.file)}
    try:
        checked = check(options.file, files=not options.no_files)
    except SettingsError as error:
        code, sentence = 2, str(error)
        answer |= {"correct": False, "error": sentence}
    else:
        code, sentence = 0, f"{options.file}: correct ({checked.summary})"
        answer |= {"correct": True, "kind": checked.what, "summary": checked.summary, "digest": checked.digest}
    if options.json:
        print(msgspec.json.encode(answer).decode())
    else:
        print(sentence, file=sys.stderr if code else sys.stdout)
    return code
