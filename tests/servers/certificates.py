"""A throw-away certificate authority and a certificate for this machine."""

from __future__ import annotations

import dataclasses
import ssl
from pathlib import Path

import trustme


@dataclasses.dataclass(frozen=True, slots=True)
class Certificates:
    """``ca_file`` is what clients trust; ``server_context`` shows a certificate for localhost and 127.0.0.1, which
    ``chain_file`` and ``key_file`` hold for servers in other processes."""

    ca_file: Path
    server_context: ssl.SSLContext
    chain_file: Path
    key_file: Path


def make_certificates(folder: Path, *names: str) -> Certificates:
    """A new authority in ``folder`` and a certificate that it signed, good for ``names`` too."""
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = authority.issue_cert("localhost", "127.0.0.1", *names)
    issued.configure_cert(context)
    chain_file, key_file = folder / "chain.pem", folder / "key.pem"
    for part in issued.cert_chain_pems:
        part.write_to_path(str(chain_file), append=True)
    issued.private_key_pem.write_to_path(str(key_file))
    return Certificates(ca_file, context, chain_file, key_file)
