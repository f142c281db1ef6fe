"""Prepared messages through the production dispatcher and transports, beside what sends the same with no database."""

from __future__ import annotations

import contextlib
import functools
import queue
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]  # the SDK ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # the same

from bench.databases import durable_postgres, sqlite_urls
from bench.sink import running_sink, running_smtp_sink, send_by_smtp_source
from bench.stock import fill, make_all_due, make_mail
from bench.table import Report, Row, Verdict
from reminderd.clock import utc_now
from reminderd.message import Mail, Text
from reminderd.settings import load
from reminderd.store.database import Store
from reminderd.wiring import House

SIZE = 10_000
MAILS, TEXTS = 5000, 1000
THREADS = 10
REPEATS = 3
ACCOUNT = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "a-token", "TWILIO_FROM": "+15005550006"}
PHONE = "+14155550101"

Race = Callable[[], float]
"""Does its work once; the seconds that the work took, without its preparation."""
NewDatabase = Callable[[], contextlib.AbstractContextManager[str]]
"""Gives the URL of a new database, and clears it away in the end."""


def run(quick: bool) -> Report:
    mails, texts = (MAILS // 10, TEXTS // 5) if quick else (MAILS, TEXTS)
    with (
        sqlite_urls() as folder,
        _databases(folder) as databases,
        running_smtp_sink(folder) as post,
        running_sink("http") as exchange,
    ):
        api = f"http://127.0.0.1:{exchange.port}"
        to_post = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(post), "SMTP_SECURITY": "off"}
        to_exchange = ACCOUNT | {"TWILIO_API_URL": api, "NO_PROXY": "127.0.0.1"}
        mail_races: dict[str, Race] = {}
        text_races: dict[str, Race] = {}
        for place, made in databases.items():
            for threads in (1, THREADS):
                mail_races[name_of(place, threads)] = functools.partial(
                    deliver, made, make_letter, mails, to_post, threads
                )
            name = f"texts: reminderd, {place}, {THREADS} at a time"
            text_races[name] = functools.partial(deliver, made, make_text, texts, to_exchange, THREADS)
        for threads in (1, THREADS):
            mail_races[f"mails: smtplib, {threads} at a time"] = functools.partial(by_smtplib, post, mails, threads)
        mail_races[f"mails: smtp-source, {THREADS} at a time"] = functools.partial(
            send_by_smtp_source, post, mails, SIZE, THREADS
        )
        text_races[f"texts: the SDK, {THREADS} at a time"] = functools.partial(by_sdk, api, texts, THREADS)
        rows = {**_in_turns(mail_races, mails), **_in_turns(text_races, texts)}
    return Report("deliver", list(rows.values()), _verdicts(rows, list(databases)))


def name_of(place: str, threads: int = THREADS) -> str:
    """What the row of our mails from a database is called."""
    return f"mails: reminderd, {place}, {threads} at a time"


def _in_turns(races: dict[str, Race], count: int) -> dict[str, Row]:
    """Messages a second of each, one after the other, again and again."""
    speeds: dict[str, list[float]] = {name: [] for name in races}
    for _ in range(REPEATS):
        for name, race in races.items():
            speeds[name].append(count / race())
    return {name: Row(name, tuple(values), "per s") for name, values in speeds.items()}


@contextlib.contextmanager
def _databases(folder: Path) -> Iterator[dict[str, NewDatabase]]:
    """By place."""

    @contextlib.contextmanager
    def file() -> Iterator[str]:
        path = folder / "deliver.db"
        try:
            yield f"sqlite:///{path}"
        finally:
            for one in folder.glob("deliver.db*"):
                one.unlink()

    @contextlib.contextmanager
    def database() -> Iterator[str]:
        assert server is not None
        url = server.create()
        try:
            yield url
        finally:
            server.drop(url)

    with durable_postgres() as server:
        made: dict[str, NewDatabase] = {"SQLite FULL": file}
        if server is not None:
            made["PostgreSQL"] = database
        yield made


def make_letter(number: int) -> Mail:
    return make_mail(number, SIZE)


def make_text(number: int) -> Text:
    return Text(PHONE, f"Thank Ana by Wed 25 Nov ({number}). DRAFT {number} brings the draft.")


def deliver(
    made: NewDatabase,
    make_message: Callable[[int], Mail | Text],
    count: int,
    settings: dict[str, str],
    senders: int,
) -> float:
    """Seconds for ``count`` stored messages, from the first look to the last settlement, of a dispatcher that has sent
    before: what it imports for its first message it has."""
    with made() as url:
        store = fill(url, count + 1, make_message)
        dispatcher = make_house(store, settings, senders).dispatcher()
        with store.writing() as session:
            make_all_due(session, utc_now(), most=1)
        dispatcher.run_once(utc_now)
        with store.writing() as session:
            make_all_due(session, utc_now())
        begun = time.perf_counter()
        tally = dispatcher.run_once(utc_now)
        took = time.perf_counter() - begun
        dispatcher.stop(utc_now)
        store.dispose()
    if tally.sent != count:
        raise RuntimeError(f"{tally.sent} of {count} were sent")
    return took


def make_house(store: Store, settings: dict[str, str], senders: int) -> House:
    """A house around a store that is there already, with the transports that are set."""
    given = settings | {"SENDERS": str(senders), "SMTP_FROM": "reminderd@bench.test"}
    return House(load(given, None, Path("/nonexistent")), store, None, frozenset({"email", "sms"}))


def by_smtplib(port: int, count: int, threads: int) -> float:
    """Seconds for as many mails by as many threads, each with one connection that it keeps."""
    letters: queue.SimpleQueue[Mail] = queue.SimpleQueue()
    for number in range(count):
        letters.put(make_letter(number))

    def work() -> None:
        with smtplib.SMTP("127.0.0.1", port) as client, contextlib.suppress(queue.Empty):
            while True:
                mail = letters.get_nowait()
                client.sendmail(mail.sender, mail.recipient, mail.content)

    return _by_threads(work, threads)


def by_sdk(api: str, count: int, threads: int) -> float:
    """Seconds for as many texts by as many threads with Twilio's own client, shared as it recommends."""
    account, token, number = ACCOUNT.values()
    client = Client(account, token, http_client=_Rebased(api))
    texts: queue.SimpleQueue[Text] = queue.SimpleQueue()
    for one in range(count):
        texts.put(make_text(one))

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                text = texts.get_nowait()
                client.messages.create(to=text.recipient, from_=number, body=text.body)

    return _by_threads(work, threads)


class _Rebased(TwilioHttpClient):  # type: ignore[misc]  # the SDK ships no types
    def __init__(self, api: str) -> None:
        super().__init__()
        self._api = api

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self._api), *args, **kwargs)


def _by_threads(work: Callable[[], None], count: int) -> float:
    threads = [threading.Thread(target=work) for _ in range(count)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def _verdicts(rows: dict[str, Row], places: list[str]) -> list[Verdict]:
    found = []
    for place in places:
        ours = rows[name_of(place)].median
        for rival, bound in (("smtplib", 0.5), ("smtp-source", 0.2)):
            other = rows[f"mails: {rival}, {THREADS} at a time"].median
            found.append(Verdict(f"mails, {place}: reminderd / {rival}", ours / other, at_least=bound))
        texts, sdk = (rows[f"texts: {name}, {THREADS} at a time"].median for name in (f"reminderd, {place}", "the SDK"))
        found.append(Verdict(f"texts, {place}: reminderd / the SDK", texts / sdk, at_least=0.8))
    return found
