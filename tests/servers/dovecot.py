"""A private Dovecot on loopback: serves Maildirs by IMAP, and checks logins for Postfix."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.servers.certificates import Certificates
from tests.servers.kept import find_program, free_ports, kept

CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificates.chain_file}
ssl_key = <{certificates.key_file}
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{mail}/%n
mailbox_list_index = no
maildir_very_dirty_syncs = no
default_client_limit = 200
default_process_limit = 50
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/passwd
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={mail}/%n
}}
service imap-login {{
  process_min_avail = 1
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Dovecot:
    """``imap_port`` wants STARTTLS, ``imaps_port`` TLS from the start; ``auth_port`` speaks Dovecot's own protocol."""

    imap_port: int
    imaps_port: int
    auth_port: int
    mail: Path
    owner: pwd.struct_passwd


@contextlib.contextmanager
def running_dovecot(folder: Path, certificates: Certificates, accounts: Mapping[str, str]) -> Iterator[Dovecot]:
    """Serve the mailboxes of ``accounts`` (address and password). Raises `Missing`."""
    program = find_program("dovecot")
    find_program("imap", "/usr/lib/dovecot", "/usr/libexec/dovecot")
    imap, imaps, auth = free_ports(3)
    owner = pwd.getpwnam("nobody")
    mail = folder / "mail"
    mail.mkdir(mode=0o755)
    os.chown(mail, owner.pw_uid, owner.pw_gid)
    (folder / "passwd").write_text("".join(f"{address}:{password}\n" for address, password in accounts.items()))
    (folder / "passwd").chmod(0o644)
    configuration = folder / "dovecot.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder, certificates=certificates, mail=mail, owner=owner, imap=imap, imaps=imaps, auth=auth
        )
    )
    with kept([program, "-F", "-c", str(configuration)], folder / "dovecot.out", imap):
        yield Dovecot(imap, imaps, auth, mail, owner)
