"""The broker: reachable, welcoming, and does what we send come through to the collector?"""

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Any

from agent.config import BranchSettings, BrokerSettings
from agent.doctor import hello
from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.site import AGENT_SOCKET, Missing, Site, ask
from agent.uplink import credentials
from agent.uplink.dial import Dialer
from agent.uplink.errors import TransportError

ANSWER_S = 5.0
SILENT_S = 15.0
WATCH_S, WATCH_EVERY_S = 5.0, 0.5
_LANES = ("events", "samples")
_ACL = "pattern write bl/1/+/+/%u/%c, pattern write bl/1/st/%u/%c, pattern read bl/1/ack/%u/%c"


def reachable(site: Site) -> list[Finding]:
    """Name, TCP, TLS, and the broker's answer to CONNECT."""
    broker = site.settings.broker
    if broker is None:
        return [skip("", "no [broker]: this agent works alone")]
    where = f"{broker.host}:{broker.port}"
    uplink = None if isinstance(site.agent, Missing) else site.agent["uplink"]
    if uplink is not None and uplink["connected"]:
        return [well(where, f"the agent is connected over {uplink['path'] or 'an unknown path'}")]
    secrets = [file for file in (broker.password_file, broker.key_file) if file]
    if os.geteuid() != 0 and (closed := [file for file in secrets if not os.access(file, os.R_OK)]):
        return [skip(where, f"this user cannot read {' and '.join(closed)}; use sudo")]
    try:
        code = _greet(site.settings, broker)
    except TransportError as error:
        return [fail(where, _short(str(error), where), str(error))]
    except OSError as error:
        return [judge_silence(where, broker, error)]
    return [judge_answer(where, broker, site.settings, code)]


def _greet(settings: BranchSettings, broker: BrokerSettings) -> int | None:
    keys = credentials.load(broker)

    async def dial() -> Any:
        return await Dialer(broker.host, broker.port).dial("", give_up_s=ANSWER_S, tls=keys.tls)

    packet = hello.connect(
        f"{settings.agent.name}-doctor", _user(settings), keys.password, mqtt5=broker.protocol == "5"
    )
    return hello.ask(asyncio.run(dial()), packet, ANSWER_S)


def _user(settings: BranchSettings) -> str:
    return f"{settings.agent.tenant}/{settings.agent.branch}"


def _short(sentence: str, where: str) -> str:
    return sentence.removeprefix(f"broker {where}: ").partition(";")[0]


def judge_silence(where: str, broker: BrokerSettings, error: OSError) -> Finding:
    """TCP (and TLS) stood, then nothing."""
    tls = "" if broker.ca_file else ", or whether it wants TLS (ca_file)"
    what = "does not answer MQTT" if isinstance(error, TimeoutError) else "closes the connection"
    remedy = f"the broker at {where} takes the connection but {what}; check port and protocol in [broker]{tls}"
    return fail(where, what, remedy)


def judge_answer(where: str, broker: BrokerSettings, settings: BranchSettings, code: int | None) -> Finding:
    """`code`: the reason code of its CONNACK, None: it answered something else, or closed."""
    user = _user(settings)
    if code is None:
        return judge_silence(where, broker, ConnectionResetError())
    if code == 0:
        return well(where, f"welcomes user {user}")
    password = f"the password in {broker.password_file}" if broker.password_file else "no password_file in [broker]"
    match hello.kind(code):
        case hello.BAD_USER | hello.NOT_AUTHORISED:
            said = "refuses user or password" if hello.kind(code) == hello.BAD_USER else "not authorised"
            remedy = (
                f"the broker at {where} refuses user {user} with {password} ({said}, code {code}); give it that user: "
                f"`mosquitto_passwd FILE {user}`, and reload the broker"
            )
            return fail(where, f"{said} ({user})", remedy)
        case hello.BAD_ID:
            remedy = f"the broker at {where} takes only known client ids; start the agent and ask again"
            return warn(where, "wants the agent's own client id", remedy)
        case hello.BAD_VERSION:
            other = "3.1.1" if broker.protocol == "5" else "5"
            remedy = (
                f'the broker at {where} does not speak MQTT {broker.protocol}; set protocol = "{other}" in [broker]'
            )
            return fail(where, f"does not speak MQTT {broker.protocol}", remedy)
    remedy = f"the broker at {where} refuses for now (code {code}); look at its log"
    return fail(where, f"refuses (code {code})", remedy)


def acknowledged(site: Site) -> list[Finding]:
    """Whether the collector answers what the running agent sends; the only sign of an ACL that denies in silence."""
    if site.settings.broker is None:
        return [skip("", "no [broker]")]
    if isinstance(site.agent, Missing):
        return [skip("", "the agent does not run; only its own records can tell")]
    if site.agent["uplink"] is None:
        return [skip("", "the agent runs without [broker]; see `agent`")]
    first = last = site.agent
    until_s = time.monotonic() + WATCH_S
    while suspicious(last) and not _moved(first, last) and time.monotonic() < until_s:
        time.sleep(WATCH_EVERY_S)
        again = ask(site.run_dir / AGENT_SOCKET)
        if isinstance(again, Missing):
            return [skip("", "the agent went away meanwhile")]
        last = again
    return [judge_acks(first, last)]


def suspicious(status: Mapping[str, Any]) -> bool:
    """Connected, with records on disk that were sent and not acknowledged."""
    return bool(status["uplink"]["connected"] and _owed(status))


def _owed(status: Mapping[str, Any]) -> list[str]:
    """The lanes whose records on disk were sent and wait for the collector's answer."""
    uplink, spool = status["uplink"], status["spool"]
    return [lane for lane in _LANES if spool[lane]["rows"] and uplink[lane]["sent"] > uplink[lane]["acked"]]


def _moved(first: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    return any(last["uplink"][lane]["acked"] > first["uplink"][lane]["acked"] for lane in _LANES)


def judge_acks(first: Mapping[str, Any], last: Mapping[str, Any]) -> Finding:
    """Two looks at the agent's status some seconds apart."""
    uplink, told = last["uplink"], last["uplink"]["trouble"] or ""
    if not uplink["connected"]:
        return skip("", "the agent is not connected to the broker")
    if "refuses our records" in told:
        return fail("", "the broker refuses the records", told)
    if not suspicious(last) or _moved(first, last):
        age = uplink["last_ack_s"]
        return well("", "nothing waits for an answer" if age is None else f"the last answer came {age:.0f} s ago")
    waiting = sum(last["spool"][lane]["rows"] for lane in _LANES)
    silent_s = min(uplink["since_s"], uplink["since_s"] if uplink["last_ack_s"] is None else uplink["last_ack_s"])
    said = f"connected, but no answer for {silent_s:.0f} s while {waiting} records wait"
    if silent_s < SILENT_S:
        return warn("", said, f"the agent connected or was answered only {silent_s:.0f} s ago; ask again in a minute")
    if "nobody listens" in told:
        remedy = "the broker has no subscriber for this branch's records; start the collector, and check its parts"
        return fail("", said, remedy)
    remedy = (
        f"the broker takes the agent's records, yet no collector has answered for {silent_s:.0f} s: the broker's "
        f"ACL or the collector silently drops them; check that the ACL has {_ACL}, and that a collector "
        f"runs for this part"
    )
    return fail("", said, remedy)
