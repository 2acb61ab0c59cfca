"""A certificate authority for one lab and a certificate for the names its TLS servers go by."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.namespaces import LabError
from lab.topology import PROOF_NAME, ZONE


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM."""

    authority: Path
    certificate: Path
    key: Path


NAMES = (f"DNS:{PROOF_NAME}", f"DNS:app.{ZONE}")


def make(folder: Path, names: Sequence[str] = NAMES) -> Certificates:
    """Make them in `folder`, valid for a month; `names` as openssl writes them: `DNS:host` or `IP:address`.

    Raises:
        LabError: openssl is missing or refused.
    """
    authority, certificate = folder / "ca.pem", folder / "server.pem"
    authority_key, key = folder / "ca.key", folder / "server.key"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
    alternatives = f"subjectAltName={','.join(names)}"
    _openssl(
        "req", "-x509", *curve, "-subj", "/CN=lab authority", "-keyout", str(authority_key), "-out", str(authority)
    )
    signer = ("-CA", str(authority), "-CAkey", str(authority_key))
    wanted = ("-addext", alternatives, "-addext", "basicConstraints=critical,CA:FALSE")
    _openssl(
        "req",
        "-x509",
        *curve,
        *signer,
        *wanted,
        "-subj",
        f"/CN={PROOF_NAME}",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    )
    return Certificates(authority, certificate, key)


def _openssl(*words: str) -> None:
    done = subprocess.run(("openssl", *words), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"openssl {words[0]} failed: {done.stderr.strip()[-300:]}")
