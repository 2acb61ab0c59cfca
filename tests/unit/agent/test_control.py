"""The agent's own socket under good clients, bad ones and slow ones."""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from agent import control
from agent.control import Ask, ControlServer, Override, Release, Status, ask_agent


class Agent:
    """Answers as the agent does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []

    def __call__(self, ask: Ask) -> dict[str, object]:
        self.asked.append(ask)
        return {"branch_state": "OK"}


@contextlib.asynccontextmanager
async def serving(file: Path, agent: Agent) -> AsyncIterator[ControlServer]:
    server = ControlServer(file, agent)
    task = asyncio.create_task(server.run())
    await until(lambda: file.exists() and file.stat().st_mode & 0o777 == 0o660)
    try:
        yield server
    finally:
        task.cancel()
        async with asyncio.timeout(1.0):  # whoever lingers does not hold up the end
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is no coroutine's doing
            await asyncio.sleep(0.001)


async def exchange(file: Path, line: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(file)
    writer.write(line)
    with contextlib.suppress(OSError):
        await writer.drain()
    try:
        return await reader.read()
    except OSError:
        return b""
    finally:
        writer.close()


async def test_three_verbs_are_answered(tmp_path: Path) -> None:
    file, agent = tmp_path / "agent.sock", Agent()
    async with serving(file, agent):
        for ask in (Status(), Override("wan2", 60.0, "line 1 is repaired"), Release()):
            answer = await asyncio.to_thread(ask_agent, file, ask)
            assert answer == {"branch_state": "OK"}
    assert agent.asked == [Status(), Override("wan2", 60.0, "line 1 is repaired"), Release()]


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b"\xff\xfe\n",
        b'{"ask":"reboot"}\n',
        b'{"ask":"override","path":"wan2"}\n',
        b'{"ask":"override","path":"wan2","for_s":1e999,"why":"x"}\n',
        b'{"ask":"override","path":"wan2","for_s":"1","why":"x"}\n',
        b'{"ask":"override","path":"wan2","for_s":1,"why":"x","force":true}\n',
        b'{"ask":"status","x":' + b"[" * 4000 + b"\n",
        b'{"ask":"status"',
    ],
)
async def test_garbage_gets_one_sentence_or_nothing(tmp_path: Path, line: bytes) -> None:
    file, agent = tmp_path / "agent.sock", Agent()
    async with serving(file, agent):
        reader, writer = await asyncio.open_unix_connection(file)
        writer.write(line)
        writer.write_eof()
        answer = msgspec.json.decode(await reader.read(), type=dict[str, str])
        writer.close()
        assert answer["error"].startswith("not a request: ")
        assert await asyncio.to_thread(ask_agent, file, Status()) == {"branch_state": "OK"}
    assert agent.asked == [Status()]


async def test_a_line_without_end_is_cut_off(tmp_path: Path) -> None:
    file, agent = tmp_path / "agent.sock", Agent()
    async with serving(file, agent):
        assert await exchange(file, b"x" * 1_000_000) == b""
    assert agent.asked == []


@pytest.mark.parametrize("for_s", [0.0, -1.0, 7 * 86_400.0 + 1, 1e300])
async def test_an_override_always_ends_within_a_week(tmp_path: Path, for_s: float) -> None:
    file, agent = tmp_path / "agent.sock", Agent()
    async with serving(file, agent):
        answer = await asyncio.to_thread(ask_agent, file, Override("wan2", for_s, "x"))
    assert "at most 7 days" in str(answer["error"])
    assert agent.asked == []


@pytest.mark.parametrize("why", ["", "  ", "a\nb", "x\0", "y" * 201])
async def test_a_reason_is_one_line_for_the_record(tmp_path: Path, why: str) -> None:
    file, agent = tmp_path / "agent.sock", Agent()
    async with serving(file, agent):
        answer = await asyncio.to_thread(ask_agent, file, Override("wan2", 60.0, why))
    assert "one line of 1 to 200 characters" in str(answer["error"])
    assert agent.asked == []


async def test_another_user_may_look_but_not_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_peer_uid", lambda _writer: 12_345)
    file, agent = tmp_path / "agent.sock", Agent()
    async with serving(file, agent):
        assert await asyncio.to_thread(ask_agent, file, Status()) == {"branch_state": "OK"}
        for ask in (Override("wan2", 60.0, "x"), Release()):
            assert "only root and the agent's own user" in str((await asyncio.to_thread(ask_agent, file, ask))["error"])
    assert agent.asked == [Status()]


async def test_the_kernel_says_who_asks(tmp_path: Path) -> None:
    file = tmp_path / "who.sock"
    uids: list[int] = []

    async def look(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uids.append(control._peer_uid(writer))
        writer.close()

    server = await asyncio.start_unix_server(look, file)
    await exchange(file, b"")
    server.close()
    await server.wait_closed()
    assert uids == [os.geteuid()]


async def test_slow_clients_are_limited_and_hold_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ANSWER_WITHIN_S", 2.0)
    file, agent = tmp_path / "agent.sock", Agent()
    async with serving(file, agent):
        slow = [await asyncio.open_unix_connection(file) for _ in range(control.CLIENTS_AT_MOST)]
        assert await exchange(file, b'{"ask":"status"}\n') == b""  # one too many
        for reader, writer in slow:
            assert await reader.read() == b""  # out of time
            writer.close()
        assert await asyncio.to_thread(ask_agent, file, Status()) == {"branch_state": "OK"}


async def test_a_client_that_lingers_does_not_hold_up_the_end(tmp_path: Path) -> None:
    file, agent = tmp_path / "agent.sock", Agent()
    async with serving(file, agent):
        _, writer = await asyncio.open_unix_connection(file)
        writer.write(b'{"ask"')
        await asyncio.sleep(0.01)
    writer.close()


async def test_a_socket_left_by_a_killed_agent_is_replaced(tmp_path: Path) -> None:
    file, agent = tmp_path / "agent.sock", Agent()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(file))
    file.chmod(0o600)
    async with serving(file, agent):
        assert await asyncio.to_thread(ask_agent, file, Status()) == {"branch_state": "OK"}


async def test_a_directory_that_cannot_be_written_is_said_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(control, "LISTEN_AGAIN_S", 0.005)
    file, agent = tmp_path / "run" / "agent.sock", Agent()
    task = asyncio.create_task(ControlServer(file, agent).run())
    await until(lambda: "cannot be made" in caplog.text)
    await asyncio.sleep(0.03)
    file.parent.mkdir()
    await until(file.exists)
    assert await asyncio.to_thread(ask_agent, file, Status()) == {"branch_state": "OK"}
    assert caplog.text.count("cannot be made") == 1
    task.cancel()


def test_an_agent_that_hangs_up_is_an_os_error(tmp_path: Path) -> None:
    file = tmp_path / "agent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(file))
        listener.listen()

        def hang_up() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(ConnectionError, match="without an answer"):
            ask_agent(file, Status())
        thread.join()
