"""The resolvers the branch's forwarder asks: a resolv.conf of our own that dnsmasq reads with `resolv-file=`."""

from pathlib import Path


def put(file: Path, resolvers: tuple[str, ...]) -> bool:
    """Make `file` name exactly these resolvers, in one rename; False: it already did.

    Raises:
        OSError: the folder cannot be written.
    """
    wanted = "".join(f"nameserver {resolver}\n" for resolver in resolvers)
    try:
        if file.read_text() == wanted:
            return False
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(wanted)
    draft.chmod(0o644)  # the forwarder reads it as its own user
    draft.replace(file)
    return True
