"""The `branchline` command: one door, each package's own `cli` imported only when its sub-command runs."""

import difflib
import errno
import importlib
import io
import os
import select
import sys
from types import ModuleType

from branchline import __version__

# sub-command -> (module, one line of help)
COMMANDS = {
    "demo": ("lab.demo.cli", "the whole of it with 255 simulated branches; no privilege"),
    "agent": ("agent.cli", "run, ask and override the agent of a branch"),
    "collector": ("collector.cli", "run the collector"),
    "status": ("collector.terminal.status", "the fleet on one screen"),
    "incidents": ("collector.terminal.incidents", "what is wrong at which branches, why, and what was done"),
    "watch": ("collector.terminal.watch", "the fleet on one screen, live"),
    "inventory": ("collector.inventory.cli", "check, import and show the list of branches and lines"),
    "dashboards": ("dashboards.cli", "the Grafana dashboards: check, export, push"),
    "check-config": ("lab.check_config", "check a settings file of agent or collector"),
    "doctor": ("agent.doctor.cli", "find what is wrong on this branch router"),
    "commission": ("agent.commission.cli", "have each cable pulled, print the acceptance sheet"),
    "lab": ("lab.cli", "cut real wires in network namespaces and measure (root)"),
}
_OURS = {"agent", "branchline", "collector", "dashboards", "failover", "lab", "wire"}


def agent() -> int:
    """`branchline-agent ...`, short for `branchline agent ...` on a branch router."""
    return main(["agent", *sys.argv[1:]])


def main(words: list[str] | None = None) -> int:
    """Run a sub-command. Exit codes: 0 done, 1 it failed or found a fault, 2 wrong usage or settings."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that has no such letter shows another one
            stream.reconfigure(errors="replace")
    try:
        code = _run(sys.argv[1:] if words is None else words)
        sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_left():
            raise
        return 1
    except KeyboardInterrupt:
        return 130  # as a shell says of what SIGINT ended
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise  # not our own output: that is a stream without a name
        _let_go()
        print("branchline: the output cannot be written: no space left there", file=sys.stderr)
        return 1
    return code


def _reader_left() -> bool:
    """Whether nobody reads our output any more, as after `| head`: no fault to show."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    if not any(events & select.POLLERR for _, events in poll.poll(0)):
        return False
    _let_go()
    return True


def _let_go() -> None:
    """What is unwritten goes nowhere, so that Python's own flush at the end says nothing."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a descriptor is wanted, not a path
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    if words and words[0] in COMMANDS:
        module = _import(words[0])
        return int(module.main(words[1:]) or 0) if module else 1
    if words == ["--version"]:
        print(f"branchline {__version__}")
        return 0
    wrong = words[:1] not in (["-h"], ["--help"])
    out = sys.stderr if wrong else sys.stdout
    if wrong and words:
        close = difflib.get_close_matches(words[0], COMMANDS, n=1)
        remedy = f"did you mean {close[0]}?" if close else "choose one of these:"
        print(f"branchline: {words[0]!r} is not a command; {remedy}\n", file=out)
    print("usage: branchline COMMAND [OPTIONS]      branchline COMMAND --help\n", file=out)
    for name, (_, what) in COMMANDS.items():
        print(f"  {name:13} {what}", file=out)
    print("\nexample: branchline check-config /etc/branchline/agent.toml", file=out)
    return 2 if wrong else 0


def _import(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(COMMANDS[name][0])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in _OURS:
            raise  # a fault of this program, not of its installation
        print(
            f"branchline: `{name}` needs the package {error.name}; install branchline with its extras: "
            f'pip install "branchline[agent,collector,demo]"',
            file=sys.stderr,
        )
        return None


if __name__ == "__main__":
    sys.exit(main())
