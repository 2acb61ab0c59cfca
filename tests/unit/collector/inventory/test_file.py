"""The inventory file: what is written reads back the same, each mistake is one sentence, nothing is overwritten."""

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings

from branchline.settings import SettingsError, parse
from collector.inventory.file import load, load_places, save, written
from collector.inventory.model import BranchEntry, Inventory
from tests.unit.collector.inventory.entries import NANTES, inventories

BAD = Path(__file__).parents[3] / "bad_inventory"


@settings(max_examples=60)
@given(inventories)
def test_what_is_written_reads_back_the_same(inventory: Inventory) -> None:
    assert parse(written(inventory), Inventory, "t.toml") == inventory


def test_the_file_is_for_people_too() -> None:
    assert written(Inventory(tenant="acme", branch=(NANTES, BranchEntry(name="lyon")))) == (
        'tenant = "acme"\n'
        "\n"
        "[[branch]]\n"
        'name = "nantes-2"\n'
        'title = "Nantes Beaujoire"\n'
        'region = "Pays de la Loire"\n'
        "latitude_deg = 47.2561\n"
        "longitude_deg = -1.5243\n"
        'flood_zone = "loire-aval"\n'
        "critical = true\n"
        'referent = { name = "Anne Durand", phone = "+33 2 40 00 00 00", note = "porte de gauche" }\n'
        "hours = [\n"
        '    { day = "mon", open = "08:30", close = "18:00", people = 12 },\n'
        "]\n"
        "freeze = [\n"
        '    { first = "2026-12-20", last = "2027-01-03", why = "Noël" },\n'
        "]\n"
        'power = { ups = "APC SMT750", grid_area = "nantes-est" }\n'
        "\n"
        "[[branch.line]]\n"
        'name = "wan1"\n'
        'isp = "Orange"\n'
        'access = "ftto"\n'
        'contract = "FR-1"\n'
        'support_phone = "3901"\n'
        "gtr_h = 4.0\n"
        "\n"
        "[[branch.line]]\n"
        'name = "cell"\n'
        'isp = "Bouygues"\n'
        'role = "cell"\n'
        'access = "5g"\n'
        'sim = { plan = "50 Go", cap_gb = 50.0 }\n'
        "\n"
        "[[branch]]\n"
        'name = "lyon"\n'
    )


def test_a_hostile_text_stays_a_text() -> None:
    hostile = 'x"\\\n[[branch]]\nname = "evil" <script>alert(1)</script>'
    with pytest.raises(ValueError, match="cannot be printed"):
        BranchEntry(name="a", title=hostile)
    on_one_line = hostile.replace("\n", " ")
    inventory = Inventory(tenant="acme", branch=(BranchEntry(name="a", title=on_one_line),))
    assert parse(written(inventory), Inventory, "t.toml") == inventory


@pytest.mark.parametrize("file", sorted(BAD.glob("*.toml")), ids=lambda file: file.stem)
def test_a_mistake_is_one_sentence(file: Path) -> None:
    """Each file of tests/bad_inventory bears its sentence, without the file's name, in its first line."""
    wanted = file.read_text().partition("\n")[0].removeprefix("# ")
    with pytest.raises(SettingsError) as caught:
        load(file)
    assert str(caught.value) == f"{file}{wanted}"


def test_there_are_examples_of_mistakes() -> None:
    assert len(list(BAD.glob("*.toml"))) >= 20


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    save(file, Inventory(tenant="acme"), force=False)
    file.chmod(0o640)
    with pytest.raises(FileExistsError):
        save(file, Inventory(tenant="other"), force=False)
    assert load(file).tenant == "acme"
    save(file, Inventory(tenant="other"), force=True)
    assert load(file).tenant == "other"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["acme.toml"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "acme.toml"
    save(file, Inventory(tenant="acme"), force=False)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(file, Inventory(tenant="other"), force=True)
    assert load(file).tenant == "acme"
    assert [each.name for each in tmp_path.iterdir()] == ["acme.toml"]


def test_places_of_all_tenants(tmp_path: Path) -> None:
    files = [tmp_path / "acme.toml", tmp_path / "other.toml", tmp_path / "again.toml"]
    for file, tenant in zip(files, ("acme", "other", "acme"), strict=True):
        save(file, Inventory(tenant=tenant, branch=(NANTES,)), force=False)
    places = load_places(files[:2])
    assert len(places.all()) == 2
    assert places.branch("other", "nantes-2").label == "Nantes Beaujoire"
    assert places.branch("other", "unlisted").label == "unlisted"
    with pytest.raises(SettingsError) as caught:
        load_places(files)
    assert str(caught.value) == (
        f'{files[2]}: tenant "acme" has a file already, {files[0]}; keep one file for each tenant'
    )


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = Inventory(tenant="acme", branch=(NANTES,))
    monkeypatch.setattr("collector.inventory.file.MAX_FILE_BYTES", len(written(inventory).encode()) - 1)
    with pytest.raises(SettingsError, match="could not be read back; nothing was written"):
        save(tmp_path / "acme.toml", inventory, force=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_larger_than_other_settings_is_read(tmp_path: Path) -> None:
    many = tuple(BranchEntry(name=f"b{number}", title="x" * 200) for number in range(5000))
    file = tmp_path / "large.toml"
    save(file, Inventory(tenant="acme", branch=many), force=False)
    assert file.stat().st_size > 1_000_000
    assert load(file).branch == many
