"""Questions to a database over HTTP; whatever goes wrong is one sentence."""

from collections.abc import Mapping

import aiohttp

from collector.store.history import HistoryError

MAX_ANSWER_BYTES = 64 * 1024 * 1024


class Asker:
    """One database."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        auth: aiohttp.BasicAuth | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Connects at the first question: one that is never asked needs no closing."""
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._auth, self._headers = auth, headers
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, words: Mapping[str, str]) -> bytes:
        """The body of a good answer.

        Raises:
            HistoryError: there is none.
        """
        status, body = await self.look(path, words)
        if status in {401, 403}:
            raise HistoryError(f"{self.url}: refuses to answer (HTTP {status}); check the rights of [store]")
        if status != 200:
            text = " ".join(body[:600].decode(errors="replace").split())[:300]
            raise HistoryError(f"{self.url}: cannot answer (HTTP {status} {text})")
        return body

    async def look(self, path: str, words: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body, whatever they are.

        Raises:
            HistoryError: nobody answers.
        """
        if self._session is None:
            limit = aiohttp.ClientTimeout(total=self._timeout_s)
            self._session = aiohttp.ClientSession(auth=self._auth, headers=self._headers, timeout=limit)
        try:
            async with self._session.get(self.url + path, params=words, allow_redirects=False) as response:
                return response.status, await _body(response)
        except TimeoutError:
            raise HistoryError(f"{self.url}: no answer in {self._timeout_s:g} s; ask for a shorter time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise HistoryError(f"{self.url}: cannot be asked ({error}); is the database running?") from None

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    room = MAX_ANSWER_BYTES
    async for part in response.content.iter_any():
        room -= len(part)
        if room < 0:
            raise HistoryError("the answer is over 64 MB; ask for a shorter time")
        parts.append(part)
    return b"".join(parts)
