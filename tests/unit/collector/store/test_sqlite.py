"""The embedded store on a real file."""

import sqlite3
from pathlib import Path

import pytest

from collector.store.base import Later, Partial, Paused, Written
from collector.store.history import HistoryError
from collector.store.sqlite import MAX_LINES, Sqlite
from collector.store.sqlite_cuts import SERIES_A_STEP, delete_some, drop_some_series
from collector.store.sqlite_history import SqliteHistory
from collector.store.sqlite_layout import DAY_NS, SHORT_NS, VERSION


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


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1])
async def test_a_file_of_another_layout_is_left_alone(version: int, tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version={version}")
    connection.close()
    said = f"{file}: another version of branchline wrote it (layout {version}, this one has {VERSION}); run that"
    store, history = Sqlite(file), SqliteHistory(file, timeout_s=5)
    answer = await store.write(b"m x=1i 1")
    assert isinstance(answer, Paused)
    assert answer.reason.startswith(said)
    with pytest.raises(HistoryError) as error:
        await history.read("m", ("x",), where={}, group=(), start_ns=0, end_ns=2)
    assert str(error.value).startswith(said)
    file.rename(tmp_path / "old.db")
    assert await store.write(b"m x=1i 1") == Written()
    await history.close()
    await store.close()


async def test_points_of_a_minute_share_pages(tmp_path: Path) -> None:
    """The reason for the layout: what is written must not grow with the number of paths."""
    store = Sqlite(tmp_path / "h.db")
    for minute in range(30):
        await store.write(b"\n".join(b"link,link=l%d sent=1i %d" % (n, minute * SHORT_NS + n) for n in range(300)))
    await store._run(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
    await store.write(b"\n".join(b"link,link=l%d sent=1i %d" % (n, 30 * SHORT_NS + n) for n in range(300)))
    assert 0 < await store._run(wal_frames) < 20
    await store.close()


@pytest.mark.parametrize("measurement", ["link", "act"])
async def test_reading_over_the_edges_of_slots(measurement: str, tmp_path: Path) -> None:
    store, history = Sqlite(tmp_path / "h.db"), SqliteHistory(tmp_path / "h.db", timeout_s=5)
    times_ns = [3 * DAY_NS + n * 7 * 10**9 for n in range(-60, 60)]
    await store.write(b"\n".join(b"%s,link=a x=1i %d" % (measurement.encode(), at_ns) for at_ns in times_ns))
    for start, end, limit in ((0, 120, 1000), (0, 120, 17), (13, 107, 1000), (60, 61, 5)):
        start_ns, end_ns = times_ns[start], times_ns[end - 1] + 1
        found = await history.read(
            measurement, ("x",), where={}, group=(), start_ns=start_ns, end_ns=end_ns, limit=limit
        )
        assert list(found[0].at_ns) == times_ns[start:end][-limit:]
    await history.close()
    await store.close()


async def test_series_without_points_go_with_their_last_points(tmp_path: Path) -> None:
    store, history = Sqlite(tmp_path / "h.db"), SqliteHistory(tmp_path / "h.db", timeout_s=5)

    async def links() -> list[str]:
        found = await history.read("link", ("x",), where={}, group=("link",), start_ns=0, end_ns=99 * DAY_NS)
        return [each.tags["link"] for each in found]

    await store.write(b"link,link=old x=1i 5\nlink,link=stays x=1i 5\nact,link=old x=1i 5")
    await store.write(b"link,link=stays x=1i %d" % (9 * DAY_NS))
    assert await links() == ["old", "stays"]
    assert await store.forget("link", 9 * DAY_NS) == Written()
    names = "SELECT measurement, json_extract(tags, '$.link') FROM series ORDER BY id"
    assert rows(store.file, names) == [("link", "stays"), ("act", "old")]
    assert await links() == ["stays"]
    await store.write(b"link,link=old x=1i %d" % (9 * DAY_NS))  # it comes again, under a number of its own
    assert await links() == ["old", "stays"]
    await history.close()
    await store.close()


async def test_many_series_go_in_steps(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    count = 2 * SERIES_A_STEP + 1
    await store.write(b"\n".join(b"link,link=l%d x=1i %d" % (n, n) for n in range(count)))
    assert await store._run(lambda connection: delete_some(connection, measurement="link", before_slot=1)) is False
    left = []
    for _ in range(3):
        await store._run(lambda connection: drop_some_series(connection, measurement="link", before_day=1))
        left += rows(store.file, "SELECT count(*) FROM series")
    assert left == [(SERIES_A_STEP + 1,), (1,), (0,)]
    await store.close()


def wal_frames(connection: sqlite3.Connection) -> int:
    (_, frames, _) = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(frames)


@pytest.mark.parametrize("name", ["_x", "x;--", 'x"', "x" * 64])
async def test_hostile_names_are_refused(name: str, tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    answer = await store.write(f"m {name}=1i 1\n{name} x=1i 1".encode())
    assert isinstance(answer, Partial)
    assert answer.all_refused
    await store.close()
