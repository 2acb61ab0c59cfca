"""The compose file: each secret and mount is one the page makes or the tree has; nobody has more rights than needed."""

import re
from typing import Any

import yaml  # type: ignore[import-untyped]  # no types are shipped with it

from branchline.settings import load
from collector.config import CollectorSettings
from tests.unit.deploy.shipped import DEPLOY, ROOT

COMPOSE = DEPLOY / "compose"
PAGE = (ROOT / "docs" / "install-centre.md").read_text()


def services() -> dict[str, Any]:
    found: dict[str, Any] = document()["services"]
    return found


def document() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return read


def test_each_service_is_there_and_may_gain_no_right() -> None:
    assert set(services()) == {"mosquitto", "influxdb", "collector", "grafana"}
    for name, service in services().items():
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["restart"] == "unless-stopped"
        assert "privileged" not in service
        assert name == "influxdb" or service["cap_drop"] == ["ALL"]  # its image gives its folders to its user at start


def test_each_mount_is_in_the_tree_or_made_by_the_page() -> None:
    for service in services().values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(("./secrets/", "./grafana")):
                assert source.removeprefix("./secrets/").removeprefix("./") in made()
            elif source.startswith("."):
                assert (COMPOSE / source).exists()
            else:
                assert source in document()["volumes"]


def test_each_secret_is_a_file_the_page_makes_and_somebody_reads() -> None:
    secrets = document()["secrets"]
    used = {name for service in services().values() for name in service.get("secrets", [])}
    assert used == set(secrets)
    for name, secret in secrets.items():
        assert secret == {"file": f"./secrets/{name}"}
        assert name in made()


def made() -> set[str]:
    """What the page's commands put into secrets/ or beside it."""
    containers = PAGE[PAGE.index("## In containers") :]
    names = set(re.findall(r"secrets/([\w.-]+)", containers)) | {"ca.pem", "server.pem", "grafana"}
    (listed,) = re.findall(r"for name in ([\w -]+); do\n    openssl", containers)
    names |= set(listed.split())
    (copied,) = re.findall(r"for name in ([\w -]+); do cp", containers)
    return names | {f"{name}.key" for name in copied.split()}


def test_the_collector_s_file_reads_the_secrets_it_is_given() -> None:
    settings = load(COMPOSE / "collector.toml", CollectorSettings)
    assert settings.web is not None
    given = {f"/run/secrets/{name}" for name in services()["collector"]["secrets"]}
    named = set(re.findall(r'"(/run/secrets/[\w.-]+)"', (COMPOSE / "collector.toml").read_text()))
    assert named == given
    assert str(settings.web.port) in services()["collector"]["ports"][0]
    environment = services()["influxdb"]["environment"]
    assert settings.store.bucket == environment["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert settings.store.org == environment["DOCKER_INFLUXDB_INIT_ORG"]
    assert f"--db {settings.store.bucket} " in (COMPOSE / "influxdb" / "10-dbrp.sh").read_text()
