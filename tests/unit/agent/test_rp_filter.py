"""The reverse-path filter as the kernel combines it."""

from pathlib import Path

import pytest

from agent.rp_filter import complaint, effective


def conf(folder: Path, **values: str) -> Path:
    for name, value in values.items():
        (folder / name).mkdir()
        (folder / name / "rp_filter").write_text(value)
    return folder


@pytest.mark.parametrize(
    ("everywhere", "here", "mode"), [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1), (2, 1, 2), (1, 2, 2), (0, 2, 2)]
)
def test_the_larger_value_counts_and_only_strict_is_refused(
    tmp_path: Path, everywhere: int, here: int, mode: int
) -> None:
    folder = conf(tmp_path, all=f"{everywhere}\n", wan0=f"{here}\n")
    assert effective("wan0", folder) == mode
    assert (complaint("wan0", folder) is not None) == (mode == 1)


def test_a_missing_interface_and_an_unreadable_value_are_no_complaint(tmp_path: Path) -> None:
    folder = conf(tmp_path, all="1\n", wan1="junk\n")
    assert effective("wan0", folder) is None
    assert complaint("wan1", folder) is None


def test_the_sentence_names_keys_that_sysctl_takes(tmp_path: Path) -> None:
    folder = conf(tmp_path, all="1\n")
    (folder / "eth0.100").mkdir()
    (folder / "eth0.100" / "rp_filter").write_text("0\n")
    sentence = complaint("eth0.100", folder)
    assert sentence is not None
    assert "set net.ipv4.conf.all.rp_filter and net.ipv4.conf.eth0/100.rp_filter to 2" in sentence
    assert "\n" not in sentence
