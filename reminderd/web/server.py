"""The page's server: a thread of its own, started and stopped by the daemon."""

from __future__ import annotations

import datetime as dt
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from reminderd.errors import ConfigError, SettingError
from reminderd.settings import Settings
from reminderd.wiring import House

log = logging.getLogger(__name__)

STOP_FOR = 5.0
"""Seconds that a stop waits for requests under way."""
_THREADS = 4


class Server:
    """Serves the page from `start` to `stop`. Raises `ConfigError` where it cannot listen, or the extra is missing."""

    def __init__(self, house: House, clock: Callable[[], dt.datetime]) -> None:
        try:
            from waitress.server import create_server  # type: ignore[import-untyped]  # ships no types

            from reminderd.web.app import make_app
        except ModuleNotFoundError as error:
            raise ConfigError("The page needs Flask and waitress: pip install 'reminderd[web]'.") from error
        logging.getLogger("waitress").setLevel(logging.ERROR)
        app = make_app(house, clock)
        self._socket = _listening(house.settings)
        self._map: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._map,
            sockets=[self._socket],
            threads=_THREADS,
            ident=None,
            channel_timeout=30,
            max_request_body_size=64 * 1024,
            max_request_header_size=16 * 1024,
            clear_untrusted_proxy_headers=True,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="page", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._server.socket.getsockname()[:2]
        return host, port

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        log.info("page_listens port=%s", self.address[1])

    def stop(self) -> None:
        """Take no more requests, and let those under way end within a few seconds."""
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join(STOP_FOR * 2)

    def _serve(self) -> None:
        server = self._server
        try:
            while not self._stopping.is_set():
                server.asyncore.loop(timeout=1, map=self._map, use_poll=True, count=1)
        finally:
            server.accepting = False
            server.task_dispatcher.shutdown(cancel_pending=True, timeout=STOP_FOR)
            # What the tasks wrote is still in the channels' buffers.
            server.asyncore.loop(timeout=0.05, map=self._map, use_poll=True, count=2)
            server.asyncore.close_all(self._map, ignore_all=True)


def _listening(settings: Settings) -> socket.socket:
    host, port = settings.listen
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingError(
            "LISTEN_ADDR", f"an address to listen on ({error.strerror})", settings.listen_addr
        ) from error
