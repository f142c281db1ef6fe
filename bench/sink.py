"""Who takes messages: a quick mail server and a quick stand-in for Twilio, each in a process of its own.

They take everything, note when, and can take their time. Where what they say must be right, and not quick, the tests
have fuller ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from tests.servers.kept import find_program, free_ports, kept

CHECKOUT = Path(__file__).resolve().parents[1]
AS_POSTFIX = ("-u", "postfix") if os.geteuid() == 0 else ()
"""It does not run as root."""
SID = "SM" + "0" * 32
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^Content-Length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)


class Taken(NamedTuple):
    """A message that was taken, by its Message-ID (texts have none), and when, in seconds since 1970."""

    at: float
    key: str


class Sink:
    """A server on loopback: ``smtp`` or ``http``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._heard())

    def taken(self) -> list[Taken]:
        """What came since the last question, oldest first."""
        assert self._process.stdin is not None
        print("tell", file=self._process.stdin, flush=True)
        return [Taken(at, key) for at, key in json.loads(self._heard())]

    def _heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextlib.contextmanager
def running_sink(kind: str, delay: float = 0.0) -> Iterator[Sink]:
    """A sink that answers each message ``delay`` seconds after it has it."""
    command = [sys.executable, "-m", "bench.sink", kind, str(delay)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Sink(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()  # the process ends with it
            process.wait(10)


@contextlib.contextmanager
def running_smtp_sink(folder: Path) -> Iterator[int]:
    """The port of Postfix's own sink. Raises `Missing` where there is none."""
    (port,) = free_ports(1)
    command = [find_program("smtp-sink"), *AS_POSTFIX, f"127.0.0.1:{port}", "1000"]
    with kept(command, folder / "smtp-sink.log", port):
        yield port


def send_by_smtp_source(port: int, count: int, size: int, connections: int = 10) -> float:
    """Seconds that Postfix's own source takes for so many messages of ``size`` bytes. Raises `Missing`."""
    counts = ["-s", str(connections), "-m", str(count), "-l", str(size)]
    command = [find_program("smtp-source"), "-d", *counts, f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


# ---- within the process


class Conversation(asyncio.Protocol):
    """One connection; ``taken`` is what all of them have taken."""

    def __init__(self, delay: float, taken: list[tuple[float, str]]) -> None:
        self._delay, self._taken = delay, taken
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._read_one():
            pass

    def _read_one(self) -> bool:
        """Deal with the next whole thing in the buffer. False when there is none."""
        raise NotImplementedError

    def _cut(self, end: int) -> bytes:
        head = bytes(self._buffer[:end])
        del self._buffer[:end]
        return head

    def _take(self, key: str, answer: bytes) -> None:
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._accept, key, answer)
        else:
            self._accept(key, answer)

    def _accept(self, key: str, answer: bytes) -> None:
        self._taken.append((time.time(), key))
        self._transport.write(answer)


class MailConversation(Conversation):
    """Enough of SMTP for a client that does nothing wrong."""

    _in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._transport.write(b"220 sink.test ESMTP\r\n")

    def _read_one(self) -> bool:
        end = self._buffer.find(b"\r\n.\r\n" if self._in_data else b"\r\n")
        if end < 0:
            return False
        if self._in_data:
            found = _MESSAGE_ID.search(self._cut(end + 5))
            self._in_data = False
            self._take(found[1].decode() if found else "", b"250 2.0.0 Ok\r\n")
        else:
            self._obey(self._cut(end + 2)[:4].upper())
        return True

    def _obey(self, verb: bytes) -> None:
        self._in_data = verb == b"DATA"
        self._transport.write(_ANSWERS.get(verb, b"250 2.0.0 Ok\r\n"))
        if verb == b"QUIT":
            self._transport.close()


_ANSWERS = {
    b"EHLO": b"250-sink.test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    b"DATA": b"354 End with a dot\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}


class TextConversation(Conversation):
    """Enough of HTTP and of Twilio's API to have texts taken, over connections that are kept."""

    def _read_one(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        found = _LENGTH.search(self._buffer, 0, end + 2)
        whole = end + 4 + (int(found[1]) if found else 0)
        if len(self._buffer) < whole:
            return False
        self._cut(whole)
        self._take("", _CREATED)
        return True


_BODY = json.dumps({"sid": SID, "status": "queued", "error_code": None}).encode()
_CREATED = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY
KINDS: dict[str, type[Conversation]] = {"smtp": MailConversation, "http": TextConversation}


async def serve(kind: str, delay: float) -> None:
    """Until standard input ends; a line there is answered by what was taken since the last."""
    loop = asyncio.get_running_loop()
    taken: list[tuple[float, str]] = []
    server = await loop.create_server(lambda: KINDS[kind](delay, taken), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        told, taken[:] = list(taken), []
        print(json.dumps(told), flush=True)


def main(arguments: Sequence[str]) -> None:
    kind, delay = arguments
    asyncio.run(serve(kind, float(delay)))


if __name__ == "__main__":
    main(sys.argv[1:])
