"""The canary: a namespace on the LAN side whose packets are forwarded and translated exactly like a user's.

`create` makes it once. `main` runs inside it and lends sockets: the agent asks on a unix socket, whose name works
across network namespaces, and gets a bound socket back (SCM_RIGHTS). Addresses, from `[canary] ipv4`: .1 the router,
.2 goes as users go, .3 and up one for each path in the order of the file. Standard library only, and little of it:
this process holds still for months.
"""

import json
import os
import socket
import struct
import sys

NAMESPACE, ROUTER_END, INSIDE_END = "bl-canary", "bl-canary0", "eth0"
SOCKET = "canary.sock"
MAX_REQUEST_BYTES = 512

_PEER = struct.Struct("iII")
_KINDS = {
    "icmp": (socket.SOCK_DGRAM, socket.IPPROTO_ICMP),
    "udp": (socket.SOCK_DGRAM, 0),
    "tcp": (socket.SOCK_STREAM, 0),
}
_CLIENT_TIMEOUT_S = 1.0
_BORROW_TIMEOUT_S = 0.5


class CanaryError(OSError):
    """The canary cannot be made or cannot lend; the text is one sentence."""


def addresses(network: str, paths: int) -> tuple[str, ...]:
    """The canary's own addresses: first the one that goes as users go, then one for each path.

    Raises:
        CanaryError: not an IPv4 network, or too small for so many paths.
    """
    base, length = _network(network)
    if paths + 3 >= 2 ** (32 - length):
        raise CanaryError(f"canary.ipv4: {network} is too small for {paths} paths; use a shorter prefix")
    return tuple(_dotted(base + 2 + place) for place in range(paths + 1))


def create(network: str, paths: int, *, namespace: str = NAMESPACE) -> None:
    """Make the namespace, its link into this one, its addresses and its default route. Root; any number of times.

    Raises:
        CanaryError: a command refused; nothing else was tried.
    """
    import shutil  # noqa: PLC0415 - setup only: the lender must stay small

    if shutil.which("ip") is None:
        raise CanaryError("ip is not installed; install the package iproute2")
    base, length = _network(network)
    router = _dotted(base + 1)
    if namespace not in {line.split()[0] for line in _run("ip", "netns", "list").splitlines() if line.strip()}:
        _run("ip", "netns", "add", namespace)
    inside = ("ip", "-n", namespace)
    if ROUTER_END not in {name for _, name in socket.if_nameindex()}:
        _run("ip", "link", "add", ROUTER_END, "type", "veth", "peer", "name", INSIDE_END, "netns", namespace)
    _run("ip", "address", "replace", f"{router}/{length}", "dev", ROUTER_END)
    _run("ip", "link", "set", ROUTER_END, "up")
    for address in addresses(network, paths):
        _run(*inside, "address", "replace", f"{address}/{length}", "dev", INSIDE_END)
    _run(*inside, "link", "set", "lo", "up")
    _run(*inside, "link", "set", INSIDE_END, "up")
    _run(*inside, "route", "replace", "default", "via", router)
    _run("ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")


def borrow(path: str | os.PathLike[str], kind: str, source: str) -> socket.socket:
    """A new non-blocking socket of `kind` (icmp, udp, tcp) in the canary's namespace, bound to `source`.

    Waits at most half a second for each step.

    Raises:
        CanaryError: the lender refuses.
        OSError: nobody lends there, or no answer in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as lender:
        lender.settimeout(_BORROW_TIMEOUT_S)
        lender.connect(os.fspath(path))
        lender.send(json.dumps({"type": kind, "source": source}).encode())
        reply, descriptors, _, _ = socket.recv_fds(lender, MAX_REQUEST_BYTES, 1)
    if not descriptors:
        raise CanaryError(reply.decode(errors="replace") or "the canary closed the connection")
    os.set_inheritable(descriptors[0], False)
    lent = socket.socket(fileno=descriptors[0])
    lent.setblocking(False)
    return lent


def main(argv: list[str]) -> int:
    """`branchline-agent canary --config FILE`: lend sockets; with `--create` make the namespace and end.

    Exit codes: 0 done, 1 the system refused, 2 usage or settings.
    """
    words = [word for word in argv if word != "--create"]
    if len(words) != 2 or words[0] != "--config":
        usage = "usage: branchline-agent canary --config FILE [--create]"
        asked = words[:1] in (["-h"], ["--help"])
        print(usage, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    try:
        run_dir, user, network, namespace, paths = _settings(words[1])
    except CanaryError as error:
        return _fail(f"{words[1]}: {error}", 2)
    try:
        if "--create" in argv:
            create(network, paths, namespace=namespace)
        else:
            _lend(f"{run_dir}/{SOCKET}", addresses(network, paths), user)
    except CanaryError as error:
        return _fail(str(error), 1)
    except OSError as error:
        unit = "branchline-canary-create.service" if "--create" in argv else "branchline-canary.service"
        return _fail(
            f"{error.filename or run_dir}: {error.strerror}; start it by {unit}, or with the rights it names", 1
        )
    return 0


def _settings(file: str) -> tuple[str, str, str, str, int]:
    """Run directory, user, network, namespace and number of paths; `branchline check-config` checks the rest."""
    import tomllib  # noqa: PLC0415 - not needed to borrow

    try:
        with open(file, "rb") as stream:  # noqa: PTH123 - pathlib is not loaded in this process
            data = tomllib.load(stream)
        canary = data["canary"]
        network = canary.get("ipv4", "198.18.188.0/28")
        addresses(network, len(data["path"]))
        return (
            data["agent"].get("run_dir", "/run/branchline"),
            data.get("actor", {}).get("agent_user", "branchline"),
            network,
            canary.get("namespace", NAMESPACE),
            len(data["path"]),
        )
    except CanaryError:
        raise
    except OSError as error:
        raise CanaryError(f"cannot be read ({error.strerror}); check the path and its permissions") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise CanaryError(f"is not a settings file of the agent ({error}); try branchline check-config") from None
    except KeyError as error:
        raise CanaryError(f"{error.args[0]} is missing; add it") from None


def _lend(path: str, own: tuple[str, ...], user: str) -> None:
    """Answer one borrower after another, for ever."""
    import pwd  # noqa: PLC0415 - not needed to borrow

    uids, gid = {0, os.geteuid()}, os.getegid()
    try:
        entry = pwd.getpwnam(user)
        uids.add(entry.pw_uid)
        gid = entry.pw_gid if os.geteuid() == 0 else gid
    except KeyError:
        _say(f"there is no user {user}: only root may borrow")
    try:
        os.unlink(path)  # noqa: PTH108 - pathlib is not loaded in this process
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - as above
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o177)
    listener.bind(path)
    os.umask(before)
    os.chown(path, -1, gid)
    os.chmod(path, 0o660)  # noqa: PTH101 - as above
    listener.listen(8)
    _say(f"lending {', '.join(own)} at {path}")
    while True:
        peer, _ = listener.accept()
        with peer:
            try:
                peer.settimeout(_CLIENT_TIMEOUT_S)
                _serve(peer, own, uids)
            except OSError as error:
                _say(f"a borrower went away: {error}")


def _serve(peer: socket.socket, own: tuple[str, ...], uids: set[int]) -> None:
    _, uid, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    if uid not in uids:
        why = f"user id {uid} may not borrow; only root and the agent's user may"
    else:
        made = lend(peer.recv(MAX_REQUEST_BYTES), own)
        if isinstance(made, socket.socket):
            with made:
                socket.send_fds(peer, [b"ok"], [made.fileno()])
            return
        why = made
    _say(f"refused: {why}")
    peer.send(why.encode()[:MAX_REQUEST_BYTES])


def lend(request: bytes, own: tuple[str, ...]) -> socket.socket | str:
    """The socket a request asks for, bound to one of our own addresses; or why not, as one sentence."""
    try:
        asked = json.loads(request)
        kind, source = _KINDS[asked["type"]], asked["source"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 'not a request such as {"type": "icmp", "source": "198.18.188.3"}'
    if source not in own:
        return f"source {source!r} is not one of the canary's addresses {', '.join(own)}"
    made = socket.socket(socket.AF_INET, *kind)
    try:
        made.bind((source, 0))
    except OSError as error:
        made.close()
        return f"{source} cannot be bound ({error.strerror}); run the canary inside its namespace"
    return made


def _network(text: str) -> tuple[int, int]:
    base, slash, length = text.partition("/")
    try:
        number = int.from_bytes(socket.inet_aton(base), "big")
        if slash and base.count(".") == 3 and 0 < int(length) <= 30:
            return number & -1 << 32 - int(length), int(length)
    except (OSError, ValueError):
        pass
    raise CanaryError(f"canary.ipv4: {text!r} is not an IPv4 network such as 198.18.188.0/28")


def _dotted(number: int) -> str:
    return socket.inet_ntoa(number.to_bytes(4, "big"))


def _run(*words: str) -> str:
    import subprocess  # noqa: PLC0415 - setup only: the lender must stay small

    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[0]
        raise CanaryError(f"{' '.join(words)}: {why}; start it by branchline-canary-create.service, or as root")
    return done.stdout


def _say(what: str) -> None:
    print(f"canary: {what}", file=sys.stderr, flush=True)  # noqa: T201 - its log: logging would double its size


def _fail(why: str, code: int) -> int:
    print(f"branchline-agent canary: {why}", file=sys.stderr)  # noqa: T201 - the answer to a command
    return code
