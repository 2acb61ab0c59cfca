"""`webhook`: each message as one JSON document, POSTed."""

import time

import aiohttp
import msgspec

from collector.notify.base import Later, Message, Result
from collector.notify.http_answers import read_answer
from collector.notify.settings import NotifySettings
from collector.notify.trust import trusted
from collector.secret_files import private

MAX_ANSWER_BYTES = 4096


class Webhook:
    """Posts to one address. The header `Idempotency-Key` names the message; redirects are not followed."""

    def __init__(self, settings: NotifySettings) -> None:
        """Call inside a running event loop.

        Raises:
            SettingsError: a file that the settings name cannot be used.
        """
        self._url = settings.url
        token = private(settings.token_file, f"token_file of [[notify]] {settings.name}")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trusted(settings), limit=4),
            timeout=aiohttp.ClientTimeout(total=settings.timeout),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def send(self, message: Message) -> Result:
        """POST one message."""
        body = msgspec.json.encode(document(message))
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
        return await post(self._session, self._url, body, headers)

    async def close(self) -> None:
        """Close connections."""
        await self._session.close()


def document(message: Message) -> dict[str, object]:
    """What is posted: the text for people, and every field for machines."""
    return {
        "key": message.key,
        "event": message.event,
        "at_s": message.at_s,
        "subject": message.text.subject,
        "body": message.text.body,
        "url": message.url,
        **message.text.fields,
    }


async def post(session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> Result:
    """POST and judge the answer."""
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            text = (await response.content.read(MAX_ANSWER_BYTES)).decode(errors="replace")
            return read_answer(response.status, text, response.headers.get("Retry-After"), time.time())
    except TimeoutError:
        return Later("no answer in time")
    except (aiohttp.ClientError, OSError) as error:
        return Later(" ".join(str(error).split()) or type(error).__name__)
