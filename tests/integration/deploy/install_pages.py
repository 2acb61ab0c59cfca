"""The shell blocks of the installation pages, by the word after `sh`: what a person types is what a test runs."""

import re

from tests.integration.collector.servers import ROOT

PAGES = ("install-branch", "install-centre", "raspberry-pi", "commission", "branch-router")


def blocks(page: str) -> dict[str, str]:
    """Name to text, without `sudo`: tests run as root."""
    text = (ROOT / "docs" / f"{page}.md").read_text()
    found = re.findall(r"^```sh (\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return {name: block.replace("sudo ", "") for name, block in found}


BRANCH_FILES = blocks("install-branch")["files"]
