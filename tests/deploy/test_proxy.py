"""The sample for nginx, as nginx reads it, between a browser and the real page."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reminderd.rules.states import State
from reminderd.signing import Purpose
from reminderd.store.database import Store
from reminderd.web.server import Server
from tests.deploy.machine import ROOT
from tests.flow.daemons import wait_until
from tests.flow.parts import NOON, PATIENCE
from tests.servers.certificates import Certificates, make_certificates
from tests.web.parts import SETTINGS, Desk, make_desk

AROUND = """
user root;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/sample.conf;
}}
"""


@dataclasses.dataclass
class Proxy:
    """Where nginx listens, and whom to trust."""

    secure: int
    plain: int
    trusted: ssl.SSLContext
    folder: Path

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        """Status and body of what a browser would get."""
        connection = http.client.HTTPSConnection("localhost", self.secure, timeout=PATIENCE, context=self.trusted)
        with contextlib.closing(connection):
            connection.request(method, path, headers={"Host": "reminders.example.org", **headers})
            with connection.getresponse() as answer:
                return answer.status, answer.read()


@pytest.fixture
def desk(sqlite_store: Store, tmp_path: Path) -> Iterator[Desk]:
    made = make_desk(sqlite_store, tmp_path, {**SETTINGS, "LISTEN_ADDR": "127.0.0.1:0", "METRICS": "on"})
    yield made
    made.story.stop()


@pytest.fixture
def page(desk: Desk) -> Iterator[Server]:
    server = Server(desk.house, lambda: NOON)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def proxy(page: Server, tmp_path: Path) -> Iterator[Proxy]:
    if shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        if os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"):
            pytest.fail("nginx is required here.")
        pytest.skip("there is no nginx")
    folder = tmp_path / "nginx"
    folder.mkdir()
    certificates = make_certificates(folder)
    secure, plain = free_port(), free_port()
    (folder / "sample.conf").write_text(sample(certificates, secure, plain, page.address[1]), "utf-8")
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder), "utf-8")
    command = ["nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]
    environ = {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            wait_until(lambda: process.poll() is not None or answers(plain))
            assert process.poll() is None, process.stderr.read()
            yield Proxy(secure, plain, ssl.create_default_context(cafile=str(certificates.ca_file)), folder)
        finally:
            process.terminate()


def sample(certificates: Certificates, secure: int, plain: int, page: int) -> str:
    """The file as it is shipped, with free ports and a certificate that there is."""
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for former, new in (
        (r"listen \[::\]:.*;", ""),  # not every machine that runs tests has IPv6
        (r"listen 443 ssl;", f"listen 127.0.0.1:{secure} ssl;"),
        (r"listen 80;", f"listen 127.0.0.1:{plain};"),
        (r"ssl_certificate .*;", f"ssl_certificate {certificates.chain_file};"),
        (r"ssl_certificate_key .*;", f"ssl_certificate_key {certificates.key_file};"),
        (r"127\.0\.0\.1:8025", f"127.0.0.1:{page}"),
    ):
        text, count = re.subn(former, new, text)
        assert count, former
    return text


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def test_a_link_works_through_it_and_stays_out_of_its_logs(desk: Desk, proxy: Proxy) -> None:
    number = desk.story.nudges("accepted")[0].number
    token = desk.token(Purpose.DONE, number)
    status, body = proxy.ask(f"/a/{token}", "POST", **{"Content-Length": "0", "Sec-Fetch-Site": "same-origin"})
    assert (status, b"Done." in body) == (200, True)
    assert desk.nudge(number).state == State.DONE
    logs = [path for path in proxy.folder.rglob("*") if path.is_file()]
    assert not [path for path in logs if token in path.read_text("utf-8", "replace")]


def test_counts_stay_on_the_machine(page: Server, proxy: Proxy) -> None:
    for path in ("/metrics", "/healthz"):
        with contextlib.closing(http.client.HTTPConnection(*page.address, timeout=PATIENCE)) as own:
            own.request("GET", path)
            with own.getresponse() as answer:
                assert answer.status in (200, 503)
        assert proxy.ask(path)[0] == 404


def test_an_address_without_encryption_leads_to_the_one_with(proxy: Proxy) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", proxy.plain, timeout=PATIENCE)) as plain:
        plain.request("GET", "/a/b?c=d", headers={"Host": "reminders.example.org"})
        with plain.getresponse() as answer:
            assert (answer.status, answer.getheader("Location")) == (301, "https://reminders.example.org/a/b?c=d")
