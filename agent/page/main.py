"""`branchline-agent page`: the process that serves the branch's page. It may look at the agent, and cannot act.

Exit codes: 1 it cannot listen; 2 wrong usage or settings. Otherwise it runs until it is ended.
"""

import argparse
import errno
import logging
import socket
import sys
from pathlib import Path

from agent.config import BranchSettings
from agent.control import Status, ask_agent
from agent.page.server import Server
from branchline import settings
from branchline.settings import SettingsError

log = logging.getLogger(__name__)

DEFAULT_FILE = "/etc/branchline/agent.toml"


def main(words: list[str]) -> int:
    """Serve the page."""
    parser = argparse.ArgumentParser(
        prog="branchline agent page",
        description="Serve the branch's own page, as [page] in the settings says. It only shows.",
        epilog=f"example: branchline-agent page --config {DEFAULT_FILE}\n"
        "exit codes: 1 it cannot listen, 2 wrong usage or settings",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=Path(DEFAULT_FILE), help=f"settings file ({DEFAULT_FILE})")
    options = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        branch = settings.load(options.config, BranchSettings)
    except SettingsError as error:
        return _fail(str(error), 2)
    if branch.page is None:
        return _fail(f'{options.config}: there is no page; add [page] with listen = "192.168.1.1:8481"', 2)
    agent_socket = Path(branch.agent.run_dir) / "agent.sock"
    wan = {path.interface for path in branch.path}
    server = Server(branch.page, branch.agent.branch, lambda: ask_agent(agent_socket, Status()), wan=wan)
    try:
        listening = server.listen()
    except OSError as error:
        remedy = "choose another port" if error.errno == errno.EADDRINUSE else "correct page.listen"
        return _fail(f"{branch.page.listen}: cannot listen ({error.strerror}); {remedy}", 1)
    log.info("the branch's page is at http://%s/", branch.page.listen)
    if not _here(branch.page.host):
        log.warning("%s is no address of this machine yet; the page can be reached once it is", branch.page.host)
    server.run(listening)
    return 0


def _here(host: str) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((host, 0))
        except OSError:
            return False
    return True


def _fail(why: str, code: int) -> int:
    print(f"branchline-agent page: {why}", file=sys.stderr)  # noqa: T201 - the answer to a command
    return code
