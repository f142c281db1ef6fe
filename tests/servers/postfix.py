"""A private Postfix on loopback: submission with STARTTLS and a login, delivery into Maildirs, bounces."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.kept import Missing, find_program, free_ports, kept

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.test
mydestination =
mynetworks =
smtpd_tls_cert_file = {certificates.chain_file}
smtpd_tls_key_file = {certificates.key_file}
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{dovecot.auth_port}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
recipient_delimiter = +
virtual_mailbox_domains = example.org
virtual_mailbox_base = {dovecot.mail}
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_uid_maps = static:{dovecot.owner.pw_uid}
virtual_gid_maps = static:{dovecot.owner.pw_gid}
# Accepted at the door, and then sent back: what a bounce after acceptance is.
smtpd_reject_unlisted_recipient = no
default_transport = error:5.1.2 this server keeps everything on this machine
relay_transport = error:5.1.2 this server keeps everything on this machine
notify_classes =
bounce_notice_recipient = nobody@example.org
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Postfix:
    """``port`` takes mail from whoever logs in."""

    port: int


@contextlib.contextmanager
def running_postfix(
    folder: Path, certificates: Certificates, dovecot: Dovecot, addresses: tuple[str, ...]
) -> Iterator[Postfix]:
    """Take mail, deliver it to ``addresses``, send back what is for others. Raises `Missing`."""
    program = find_program("postfix")
    if os.geteuid() != 0:
        raise Missing("Postfix starts as root only")
    daemons = next((path for path in ("/usr/lib/postfix/sbin", "/usr/libexec/postfix") if Path(path).is_dir()), None)
    if daemons is None:
        raise Missing("Postfix's daemons are not where they are expected")
    (port,) = free_ports(1)
    configuration = folder / "postfix"
    for path in (configuration, folder / "queue", folder / "data"):
        path.mkdir(mode=0o755)
    shutil.chown(folder / "data", "postfix")
    boxes = ", ".join(f"{{ {address} = {address.partition('@')[0]}/ }}" for address in addresses)
    main = MAIN.format(folder=folder, daemons=daemons, certificates=certificates, dovecot=dovecot, boxes=boxes)
    (configuration / "main.cf").write_text(main)
    (configuration / "master.cf").write_text(MASTER.format(port=port))
    # `check` makes the queue's folders. The master itself is kept: `start-fg` leaves it behind when it is ended.
    subprocess.run([program, "-c", str(configuration), "check"], check=True, capture_output=True)
    environment = {"MAIL_CONFIG": str(configuration), "MAIL_LOGTAG": "postfix"}
    with kept([f"{daemons}/master", "-c", str(configuration), "-s"], folder / "postfix.out", port, environment):
        yield Postfix(port)
