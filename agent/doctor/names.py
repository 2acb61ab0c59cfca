"""The branch's DNS forwarder: does it ask the resolvers of the path in use?"""

from collections.abc import Iterable
from pathlib import Path

from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.processes import neighbours
from agent.doctor.site import Site

_FORWARDER_FILES = ("/etc/dnsmasq.conf", "/etc/dnsmasq.d", "/etc/default/dnsmasq", "/etc/unbound", "/etc/systemd")


def resolv_file(site: Site) -> list[Finding]:
    """The file the actor writes."""
    file = Path(site.settings.actor.resolv_file)
    if not site.moves_traffic:
        return [skip("", f'actuator "{site.settings.actor.actuator}" writes none')]
    path = next((path for path in site.settings.path if path.name == site.active), None)
    if path is None:
        return [skip("", "the path in use is not known")]
    try:
        listed = resolvers(file.read_text())
    except PermissionError:
        return [skip(path.name, f"{file} is not yours to read; use sudo")]
    except (OSError, UnicodeDecodeError):
        listed = None
    return [judge_resolv_file(str(file), path.name, path.dns, listed)]


def resolvers(text: str) -> tuple[str, ...]:
    """The name servers of a resolv.conf."""
    lines = (line.split() for line in text.splitlines())
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")


def judge_resolv_file(file: str, path: str, wanted: tuple[str, ...], listed: tuple[str, ...] | None) -> Finding:
    """`listed` None: there is no such file, or it cannot be read."""
    if not wanted:
        remedy = (
            f"path {path} names no resolvers, so {file} does not follow a move to it and names may fail there; "
            f"set dns in its [[path]]"
        )
        return warn(path, "no resolvers in the settings", remedy)
    if listed is None:
        remedy = f"{file} does not exist or cannot be read; the actor writes it: see `journalctl -u branchline-actor`"
        return fail(path, "not there", remedy)
    if listed != wanted:
        remedy = (
            f"{file} lists {', '.join(listed) or 'nothing'}, but {path} is in use with {', '.join(wanted)}; another "
            f"program writes it: let none but the actor, which writes it anew within 5 s"
        )
        return fail(path, f"lists {', '.join(listed) or 'nothing'}", remedy)
    return well(path, f"lists {', '.join(listed)}")


def forwarder(site: Site) -> list[Finding]:
    """Whether any program on this machine is told to read that file."""
    if not site.moves_traffic or not any(path.dns for path in site.settings.path):
        return [skip("", "no resolvers to follow")]
    file = site.settings.actor.resolv_file
    by_words = [process.name for process in neighbours() if any(file in word for word in process.words[1:])]
    by_file = [str(found) for found in _mentioning(file, map(Path, _FORWARDER_FILES))]
    linked = Path("/etc/resolv.conf").resolve() == Path(file).resolve()
    return [judge_forwarder(file, [*by_words, *by_file, *(["/etc/resolv.conf"] if linked else [])])]


def judge_forwarder(file: str, readers: list[str]) -> Finding:
    """`readers`: programs whose command line, and settings files that, name the file."""
    if readers:
        return well("", f"{readers[0]} reads it")
    remedy = (
        f"no forwarder was found that reads {file}, so users' names would go on to the resolvers of a dead line; "
        f"for dnsmasq write `resolv-file={file}` into /etc/dnsmasq.d/branchline.conf and restart it"
    )
    return warn("", "nobody is seen to read it", remedy)


def _mentioning(text: str, places: Iterable[Path]) -> list[Path]:
    found = []
    for place in places:
        for file in [place] if place.is_file() else sorted(place.rglob("*.conf")) if place.is_dir() else []:
            try:
                if text in file.read_text(errors="replace"):
                    found.append(file)
            except OSError:
                continue
    return found
