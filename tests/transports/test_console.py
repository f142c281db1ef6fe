from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest

from reminderd.message import Channel, Text
from reminderd.rules.retry import Verdict
from reminderd.transports.base import SendFailed
from reminderd.transports.console import ConsoleTransport
from tests.transports.samples import make_mail, make_text


def test_a_text_shows_whom_it_goes_to_and_its_segments() -> None:
    stream = io.StringIO()
    transport = ConsoleTransport(stream)
    transport.send(Text("+14155550101", "Thank Ana. Reply DONE 7"))
    transport.send(Text("+14155550101", "Garçon " * 11))
    assert stream.getvalue() == (
        "to +14155550101 (1 segment, GSM-7)\nThank Ana. Reply DONE 7\n\n"
        f"to +14155550101 (2 segments, UCS-2)\n{'Garçon ' * 11}\n\n"
    )


def test_a_mail_shows_its_recipient_and_subject() -> None:
    stream = io.StringIO()
    ConsoleTransport(stream, channel=Channel.EMAIL).send(make_mail())
    assert stream.getvalue() == "to user@example.org: Nudge 1\n\n"


def test_a_file_is_appended_to_and_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "texts.log"
    ConsoleTransport(path=path).send(make_text(1))
    ConsoleTransport(path=path).send(make_text(2))
    assert path.read_text().count("to +14155550101") == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_standard_output_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleTransport().send(make_text())
    assert "Nudge 1" in capsys.readouterr().out


def test_a_closed_stream_is_told_as_a_passing_fault() -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(SendFailed) as failed:
        ConsoleTransport(stream).send(make_text())
    assert failed.value.fault.verdict is Verdict.AGAIN


def test_it_takes_its_own_channel_only() -> None:
    with pytest.raises(TypeError):
        ConsoleTransport(io.StringIO()).send(make_mail())


def test_probe_tells_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(SendFailed):
        ConsoleTransport(path=tmp_path).probe()
