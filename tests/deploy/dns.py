"""A name server that knows one name: answers A with 127.0.0.1, and nothing else."""

from __future__ import annotations

import socket
import threading
from types import TracebackType


class NameServer:
    """Runs between ``with`` and its end on port 53 of a loopback address; ``asked`` holds the names asked for."""

    def __init__(self, name: str, address: str) -> None:
        self.asked: list[str] = []
        self.address = address
        self._name = name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> NameServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A word to itself ends the wait.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(b"", (self.address, 53))
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, asker = self._socket.recvfrom(512)
            if not query:
                return
            self._socket.sendto(self._answer(query), asker)

    def _answer(self, query: bytes) -> bytes:
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode())
            at += 1 + length
        question = query[12 : at + 5]
        name = ".".join(labels)
        self.asked.append(name)
        known = name.lower() == self._name
        is_a = question[-4:-2] == b"\x00\x01"
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04" + socket.inet_aton("127.0.0.1")
        flags = b"\x85\x80" if known else b"\x85\x83"
        count = b"\x00\x01" if known and is_a else b"\x00\x00"
        return (
            query[:2]
            + flags
            + b"\x00\x01"
            + count
            + b"\x00\x00\x00\x00"
            + question
            + (record if known and is_a else b"")
        )
