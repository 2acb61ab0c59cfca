"""The embedded store on a real file."""

import sqlite3
from pathlib import Path

import pytest

from collector.store.base import Later, Partial, Paused, Written
from collector.store.sqlite import MAX_LINES, Sqlite
from collector.store.sqlite_layout import VERSION


def rows(file: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def test_points_merge_as_in_influxdb(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    assert (
        await store.write(b'act,link=a x=1i,y=2 10\nact,link=a x=3i 10\nact,link=a z="t" 10\nact x=9i 10') == Written()
    )
    assert await store.write(b"act,link=a y=5 10\nact,link=a x=3i 10") == Written()
    assert rows(store.file, "SELECT at_ns, f_x, f_y, f_z FROM p_act ORDER BY series") == [
        (10, 3, 5.0, "t"),
        (10, 9, None, None),
    ]
    await store.close()


async def test_order_within_one_write_counts(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    await store.write(b"m a=1 1\nm a=2,b=3 1\nm a=4 1")
    assert rows(store.file, "SELECT f_a, f_b FROM p_m") == [(4.0, 3.0)]
    await store.close()


async def test_a_field_keeps_its_type(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    assert await store.write(b"m x=1i 1") == Written()
    answer = await store.write(b"m x=1.5 2\nm x=2i 3\nnonsense\nm x=3i,y=1 4")
    assert answer == Partial("line refused: field x of m is INTEGER, not REAL")
    assert await store.write(b'm y=5i 5\nm x="a" 6') == Partial(
        "line refused: field y of m is REAL, not INTEGER", all_refused=True
    )
    await store.close()
    again = Sqlite(tmp_path / "h.db")  # types are remembered over a restart
    assert isinstance(await again.write(b"m x=1.5 2"), Partial)
    await again.close()
    assert rows(store.file, "SELECT at_ns, f_x, f_y FROM p_m") == [(1, 1, None), (3, 2, None), (4, 3, 1.0)]


async def test_more_lines_than_one_transaction(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    lines = b"\n".join(b"m x=%di %d" % (n, n) for n in range(MAX_LINES + 10))
    assert await store.write(lines) == Written()
    assert rows(store.file, "SELECT count(*) FROM p_m") == [(MAX_LINES + 10,)]
    await store.close()


async def test_held_by_another_program(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    await store.write(b"m x=1i 1")
    other = sqlite3.connect(store.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = await store.write(b"m x=2i 2")
    assert isinstance(answer, Later)
    assert f"{store.file}: another program holds it; close that program" in answer.reason
    other.execute("ROLLBACK")
    other.close()
    assert await store.write(b"m x=2i 2") == Written()
    assert rows(store.file, "SELECT count(*) FROM p_m") == [(2,)]
    await store.close()


async def test_full_and_room_again(tmp_path: Path) -> None:
    """SQLite's own page limit stands for the disk: it gives the same error."""
    store = Sqlite(tmp_path / "h.db")
    await store.write(b"m x=1i 1")
    (pages,) = await store._run(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    await store._run(lambda connection: connection.execute(f"PRAGMA max_page_count={pages}").fetchall())
    lines = b"\n".join(b'new,link=l%d x="%s" %d' % (n, b"x" * 400, n) for n in range(500))
    answer = await store.write(lines)
    assert isinstance(answer, Later)
    assert "the disk is full; make room" in answer.reason
    assert await store.write(lines) == Written()  # opened anew, without the limit
    assert rows(store.file, "SELECT count(*) FROM p_new") == [(500,)]
    assert rows(store.file, "SELECT count(*) FROM series") == [(501,)]
    await store.close()


async def test_broken_file_pauses_until_it_is_moved_away(tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    file.write_bytes(b"this is no database" * 1000)
    store = Sqlite(file)
    answer = await store.write(b"m x=1i 1")
    assert isinstance(answer, Paused)
    assert answer.reason.startswith(f"{file}: cannot be used (file is not a database)")
    file.rename(tmp_path / "broken.db")
    assert await store.write(b"m x=1i 1") == Written()
    await store.close()


async def test_folder_missing_pauses(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "none" / "h.db")
    assert isinstance(await store.write(b"m x=1i 1"), Paused)
    (tmp_path / "none").mkdir()
    assert await store.write(b"m x=1i 1") == Written()
    await store.close()


async def test_a_file_put_in_its_place_is_noticed(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    await store.write(b"m x=1i 1")
    for name in ("h.db", "h.db-wal", "h.db-shm"):
        (tmp_path / name).rename(tmp_path / f"old-{name}")
    assert await store.write(b"m x=1.5 2") == Written()
    assert rows(store.file, "SELECT f_x FROM p_m") == [(1.5,)]
    await store.close()


async def test_a_later_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    store = Sqlite(file)
    answer = await store.write(b"m x=1i 1")
    assert isinstance(answer, Paused)
    assert "another version of branchline wrote it" in answer.reason
    await store.close()


@pytest.mark.parametrize("name", ["_x", "x;--", 'x"', "x" * 64])
async def test_hostile_names_are_refused(name: str, tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    answer = await store.write(f"m {name}=1i 1\n{name} x=1i 1".encode())
    assert isinstance(answer, Partial)
    assert answer.all_refused
    await store.close()
