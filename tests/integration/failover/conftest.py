"""One branch for each test: network state is what is under test, so nothing of it is shared."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.actuators.linux import LinuxActuator
from tests.integration.failover.branch_net import BranchNet, branch_net, inside


@pytest.fixture
def net(tmp_path: Path) -> Iterator[BranchNet]:
    with branch_net(tmp_path) as made:
        yield made


@pytest.fixture
def actuator(net: BranchNet) -> Iterator[LinuxActuator]:
    with inside(net.router):
        made = LinuxActuator(net.settings())
        made.prepare()
        yield made
        made.close()
