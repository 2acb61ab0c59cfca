"""A message as a mail. Pure: the same message makes the same bytes, so that one sent twice can be seen to be one."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP

from collector.incidents.model import Severity
from collector.notify.base import Message
from collector.notify.model import NoticeEvent
from collector.words.speak import one_line

MAX_SUBJECT_CHARS = 200


def letter(message: Message, receiver: str, sender: str, to: Sequence[str]) -> bytes:
    """Headers and body in UTF-8, CRLF. What follows the first message of an incident is a reply to it.

    No value from outside reaches a header but the subject, which is made one line first.
    """
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"branchline <{sender}>"
    mail["To"] = ", ".join(to)
    mail["Subject"] = one_line(message.text.subject, MAX_SUBJECT_CHARS)
    mail["Date"] = dt.datetime.fromtimestamp(message.at_s, dt.UTC)
    root = None if message.incident is None else _name(f"{receiver}/{message.incident.id}", domain)
    if root is not None and message.event is NoticeEvent.TRIGGER:
        mail["Message-ID"] = root
    else:
        mail["Message-ID"] = _name(message.key, domain)
        if root is not None:
            mail["In-Reply-To"] = root
            mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    if message.incident is not None and message.incident.severity is Severity.PAGE:
        mail["Importance"] = "high" if message.event is not NoticeEvent.RESOLVE else "normal"
    mail.set_content(message.text.body, cte="quoted-printable")
    return mail.as_bytes()


def _name(key: str, domain: str) -> str:
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}.branchline@{domain}>"
