"""The `branchline` command: one door, each package's own `cli` imported only when its sub-command runs."""

import importlib
import sys

from branchline import __version__

# sub-command -> (module, one line of help)
COMMANDS = {
    "demo": ("lab.demo", "probe this machine's own links and show a live table; needs no privilege"),
    "agent": ("agent.cli", "run, ask and override the agent of a branch"),
    "collector": ("collector.cli", "run the collector"),
    "check-config": ("lab.check_config", "check a settings file of agent or collector"),
    "doctor": ("agent.doctor.cli", "find what is wrong on this branch router"),
    "lab": ("lab.cli", "cut real wires in network namespaces and measure (root)"),
}


def main() -> int:
    """Run a sub-command. Exit codes: 0 done, 1 it failed or found a fault, 2 wrong usage or settings."""
    words = sys.argv[1:]
    if words and words[0] in COMMANDS:
        module = importlib.import_module(COMMANDS[words[0]][0])
        return int(module.main(words[1:]) or 0)
    if words == ["--version"]:
        print(f"branchline {__version__}")
        return 0
    wanted = bool(words) and words[0] not in {"-h", "--help"}
    out = sys.stderr if wanted else sys.stdout
    if wanted:
        print(f"branchline: {words[0]!r} is not a command; choose one of these:\n", file=out)
    print("usage: branchline COMMAND [OPTIONS]      branchline COMMAND --help\n", file=out)
    for name, (_, what) in COMMANDS.items():
        print(f"  {name:13} {what}", file=out)
    print("\nexample: branchline check-config /etc/branchline/agent.toml", file=out)
    return 2 if wanted else 0


if __name__ == "__main__":
    sys.exit(main())
