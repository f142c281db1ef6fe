from __future__ import annotations

import datetime as dt
import mailbox
import os
import stat
from pathlib import Path

import pytest

from reminderd.rules.retry import Verdict
from reminderd.transports.base import SendFailed
from reminderd.transports.maildir import MaildirTransport
from tests.transports.samples import NOW, make_mail, make_text


def test_the_folder_is_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "Maildir"
    MaildirTransport(path).send(make_mail())
    for folder in (path, path / "tmp", path / "new", path / "cur"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (file,) = (path / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_any_mail_program_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "Maildir"
    receipt = MaildirTransport(path).send(make_mail())
    box = mailbox.Maildir(path, create=False)
    assert [message["Subject"] for message in box] == ["Nudge 1"]
    assert receipt.reference in box


def test_a_message_is_found_after_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "Maildir"
    transport = MaildirTransport(path)
    receipt = transport.send(make_mail())
    os.rename(path / "new" / receipt.reference, path / "cur" / f"{receipt.reference}:2,S")
    assert transport.find(make_mail(), NOW - dt.timedelta(days=3650)) == receipt


def test_a_message_from_before_the_attempt_is_not_meant(tmp_path: Path) -> None:
    path = tmp_path / "Maildir"
    transport = MaildirTransport(path)
    receipt = transport.send(make_mail())
    os.utime(path / "new" / receipt.reference, (NOW.timestamp(), NOW.timestamp()))
    assert transport.find(make_mail(), NOW) == receipt
    assert transport.find(make_mail(), NOW + dt.timedelta(minutes=1)) is None


def test_a_message_id_on_a_line_of_its_own_is_found(tmp_path: Path) -> None:
    transport = MaildirTransport(tmp_path / "Maildir")
    mail = make_mail()
    folded = mail.content.replace(b"Message-ID: <", b"message-id:\r\n <")
    receipt = transport.send(type(mail)(mail.sender, mail.recipient, mail.subject, mail.message_id, folded))
    assert transport.find(mail, NOW - dt.timedelta(days=3650)) == receipt


def test_nothing_half_written_is_ever_in_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "Maildir"
    transport = MaildirTransport(path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SendFailed) as failed:
        transport.send(make_mail())
    assert failed.value.fault.verdict is Verdict.AGAIN
    assert list((path / "new").iterdir()) == list((path / "tmp").iterdir()) == []


def test_a_message_that_may_not_be_on_the_disk_yet_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: Path) -> None:
        raise OSError(5, "Input/output error")

    transport = MaildirTransport(tmp_path / "Maildir")
    monkeypatch.setattr("reminderd.transports.maildir._sync", failing)
    with pytest.raises(SendFailed) as failed:
        transport.send(make_mail())
    assert failed.value.fault.verdict is Verdict.RECONCILE
    assert transport.find(make_mail(), NOW - dt.timedelta(days=3650)) is not None


def test_it_holds_mail_only(tmp_path: Path) -> None:
    transport = MaildirTransport(tmp_path / "Maildir")
    with pytest.raises(TypeError):
        transport.send(make_text())
    with pytest.raises(TypeError):
        transport.find(make_text(), NOW)


def test_probe_counts_what_is_there(tmp_path: Path) -> None:
    transport = MaildirTransport(tmp_path / "Maildir")
    assert "0 messages" in transport.probe()
    transport.send(make_mail())
    assert "1 message " in transport.probe()
    (tmp_path / "file").write_text("")
    with pytest.raises(SendFailed) as failed:
        MaildirTransport(tmp_path / "file" / "Maildir").probe()
    assert failed.value.fault.verdict is Verdict.PAUSE
