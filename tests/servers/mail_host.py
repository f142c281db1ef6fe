"""A mail host: Postfix and Dovecot together, with mailboxes to look into and people who write."""

from __future__ import annotations

import contextlib
import dataclasses
import email
import email.policy
import select
import shutil
import smtplib
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

from tests.servers.certificates import Certificates, make_certificates
from tests.servers.dovecot import Dovecot, running_dovecot
from tests.servers.kept import PATIENCE
from tests.servers.postfix import Postfix, running_postfix

ACCOUNTS = {"ada@example.org": "correct horse", "bot@example.org": "battery staple", "eve@example.org": "open sesame"}


@dataclasses.dataclass(frozen=True, slots=True)
class MailHost:
    """Real servers, and what tests do with them."""

    postfix: Postfix
    dovecot: Dovecot
    certificates: Certificates

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificates.ca_file))

    def post(self, message: EmailMessage, sender: str, *recipients: str) -> None:
        """Send as one of the accounts; without ``recipients`` to To and Bcc, which then is stripped."""
        to = recipients or tuple(
            address for name in ("To", "Cc", "Bcc") for address in str(message.get(name, "")).split(", ") if address
        )
        del message["Bcc"]
        with smtplib.SMTP("127.0.0.1", self.postfix.port, timeout=PATIENCE) as client:
            client.starttls(context=self.context())
            client.login(sender, ACCOUNTS[sender])
            client.sendmail(sender, list(to), message.as_bytes(policy=email.policy.SMTP))

    def mails(self, address: str) -> list[EmailMessage]:
        """What lies in somebody's Maildir, oldest first."""
        folder = self.dovecot.mail / address.partition("@")[0]
        files = sorted(
            [*folder.glob("new/*"), *folder.glob("cur/*")], key=lambda path: (path.stat().st_mtime_ns, path.name)
        )
        return [_parsed(path.read_bytes()) for path in files]

    def await_mails(self, address: str, count: int) -> list[EmailMessage]:
        """The same, once there are so many."""
        await_that(lambda: len(self.mails(address)) >= count)
        return self.mails(address)

    def empty(self) -> None:
        """Throw all mail away."""
        for folder in self.dovecot.mail.iterdir():
            shutil.rmtree(folder)


@contextlib.contextmanager
def running_mail_host() -> Iterator[MailHost]:
    """Raises `Missing` where there is no Postfix or Dovecot."""
    folder = Path(tempfile.mkdtemp(prefix="rmail-", dir="/tmp"))  # short: a Unix socket's address is
    folder.chmod(0o755)
    try:
        certificates = make_certificates(folder)
        with (
            running_dovecot(folder, certificates, ACCOUNTS) as dovecot,
            running_postfix(folder, certificates, dovecot, tuple(ACCOUNTS)) as postfix,
        ):
            yield MailHost(postfix, dovecot, certificates)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def await_that(holds: Callable[[], bool]) -> None:
    """Until something outside this process has come about: nothing tells of it, so that it is looked at again."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.02)


def _parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message
