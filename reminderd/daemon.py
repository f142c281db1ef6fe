"""The daemon: APScheduler ticks, the database says what to do."""

from __future__ import annotations

import datetime as dt
import logging
import resource
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from reminderd import logs
from reminderd.clock import utc_now
from reminderd.edits import Edits, Program
from reminderd.errors import ConfigError, OutOfDate, ReminderdError, Replaced
from reminderd.outage import Outage
from reminderd.passes import Passes
from reminderd.ping import Ping
from reminderd.sd_notify import Notifier
from reminderd.settings import Settings
from reminderd.store import lock
from reminderd.store.agenda import AHEAD, load_agenda
from reminderd.store.listen import make_listener
from reminderd.wiring import BOOK_FILE, House, open_house, refurnish

if TYPE_CHECKING:
    from reminderd.web.server import Server

log = logging.getLogger(__name__)

TICK_FOR = dt.timedelta(seconds=90)
"""The longest time between two passes. A clock that jumps is noticed sooner, by the main thread's looks."""
LEAST_FOR = dt.timedelta(seconds=1)
"""The shortest time between two passes that nobody asked for: what cannot be dealt with now must not spin."""
HOUSEKEEPING_FOR = dt.timedelta(minutes=5)
STALE_FOR = dt.timedelta(seconds=120)
"""The watchdog is not fed when the last pass is older than this."""
JUMP_FOR = dt.timedelta(seconds=5)
PAUSED_FOR = dt.timedelta(days=1)
"""How long passes of `run_once` leave a paused channel alone while the settings file is as it was."""


def run_forever(load_settings: Callable[[], Settings]) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP, and a change of rules or templates, has those and the settings read again.
    Raises `ConfigError` before it is ready, for what is wrong then; a book or setting that breaks later leaves the last
    good one in force. Raises `OutOfDate` at any time, once the database has been upgraded past this program, and
    `Replaced` once the program has been upgraded on the disk."""
    _forbid_cores()
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_format)
    logs.take_uncaught()
    house = open_house(settings, utc_now())
    with lock.own(house.store):
        return _Daemon(house, load_settings).run()


class _Daemon:
    def __init__(self, house: House, load_settings: Callable[[], Settings]) -> None:
        self._house = house
        self._load_settings = load_settings
        self._notifier = Notifier()
        self._stopping = False
        self._reloading = False
        self._refused: OutOfDate | Replaced | None = None
        self._program = Program()
        self._is_noted = False
        self._outage = Outage()
        self._again = threading.Event()
        self._last_pass = time.monotonic()
        self._fed = 0.0
        self._passes = Passes(house, house.dispatcher_to_be(), house.desk(), ahead=AHEAD)
        self._next_at: dt.datetime | None = None
        self._retired: list[Passes] = []
        self._page: Server | None = None
        config = house.settings.config_dir
        self._ping = Ping(house.settings.health_ping_url)
        self._edits = Edits(config / BOOK_FILE, config / "templates")
        self._listener = make_listener(house.store, look_every=house.settings.poll_seconds)
        self._scheduler = BackgroundScheduler(
            timezone=dt.UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def run(self) -> int:
        self._take_signals()
        self._start()
        self._notifier.send("READY=1", "STATUS=Watching.")
        log.info("ready")
        skew = _skew()
        while not self._stopping:
            woken = self._listener.wait(self._patience())
            now_skew = _skew()
            if woken or abs(now_skew - skew) > JUMP_FOR:
                self._soon()
            skew = now_skew
            self._feed()
        self._stop()
        if self._refused is not None:
            raise self._refused
        return 0

    def _start(self) -> None:
        now = utc_now()
        self._page = _open_page(self._house)
        with self._house.store.writing() as session:
            agenda = load_agenda(session)
            if agenda.paused_at is not None:
                from reminderd.store import outbox

                outbox.unpause_channels(session, now)
            self._house.refresh_marks(session, now)
        if agenda.expiry_at is not None:
            self._passes.dispatcher.rescue(now, alone=self._house.store.is_sqlite)
        self._passes.on_landing(self._soon)
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler.add_job(self._work, "interval", seconds=TICK_FOR.total_seconds(), id="work")
        self._scheduler.add_job(
            self._housekeeping, "interval", seconds=HOUSEKEEPING_FOR.total_seconds(), id="housekeeping"
        )
        self._scheduler.add_listener(self._after_job, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._scheduler.start()
        self._soon()

    def _soon(self) -> None:
        """Have a pass run now, or once more when one is running."""
        self._again.set()
        self._run_work(utc_now())

    def _run_work(self, at: dt.datetime) -> None:
        if not self._stopping:
            self._scheduler.modify_job("work", next_run_time=at)

    def _after_job(self, event: JobExecutionEvent) -> None:
        """The next pass is set once the job is over: while it runs the scheduler takes no other of it."""
        now = utc_now()
        if self._again.is_set():
            self._run_work(now)
        elif event.job_id == "work" and self._next_at is not None and self._next_at < now + TICK_FOR:
            self._run_work(max(self._next_at, now + LEAST_FOR))

    def _work(self) -> None:
        self._again.clear()
        self._next_at = None
        try:
            if self._program.is_replaced(utc_now()):
                raise Replaced
            if self._edits.are_there(utc_now()):
                log.info("files_changed")
                self._reloading = True
            if self._reloading:
                self._reload()
            self._next_at = self._passes.work(utc_now())
            self._retire(utc_now())
            if not self._is_noted:
                self._passes.note()  # or it would look as if it stood until housekeeping comes
                self._is_noted = True
        except (OutOfDate, Replaced) as error:
            self._refused = error
            self._stopping = True
            self._listener.poke()
            return
        except ReminderdError as error:
            now = utc_now()
            self._is_noted = False  # or it would look after an outage as if it still stood
            if error.reason == "read_only":  # SQLite asks once, as it opens the file, whether it may write to it
                self._house.store.engine.dispose()
            if self._outage.failed(error.reason, now):
                log.warning("pass_put_off reason=%s", error.reason)
            in_flight = any(passes.in_flight for passes in (self._passes, *self._retired))
            self._next_at = now + self._outage.wait_for(urgent=in_flight)
        except Exception:
            log.exception("pass_broke")
            return
        else:
            if self._outage.over():
                log.info("passes_again")
            self._ping.passed()
        self._last_pass = time.monotonic()

    def _housekeeping(self) -> None:
        try:
            self._passes.housekeeping(utc_now())
        except ReminderdError as error:
            log.warning("housekeeping_put_off reason=%s", error.reason)
        except Exception:
            log.exception("housekeeping_broke")

    def _reload(self) -> None:
        """Work with what settings and rules say now. systemd hears when that begins and, whatever comes of it, ends."""
        self._reloading = False
        self._edits.note()
        self._notifier.send_reloading()
        status = "Reload put off; it is tried again."
        try:
            status = self._renew(utc_now())
        except ReminderdError:
            self._reloading = True
            raise
        finally:
            self._notifier.send("READY=1", f"STATUS={status}")

    def _renew(self, now: dt.datetime) -> str:
        """Returns what became of it. Raises `ReminderdError`, and leaves all as it was, where the database fails."""
        from reminderd.store import outbox

        try:
            settings = self._load_settings()
            if settings.database_url != self._house.settings.database_url:
                raise ConfigError("DATABASE_URL is another now: restart the daemon for that.")
            house = refurnish(self._house, settings)
        except ReminderdError as error:
            log.error("reload_refused %s", error)
            self._tell_refusal(str(error))
            return "Reload refused; the former rules and settings stay in force."
        with house.store.writing() as session:
            outbox.unpause_channels(session, now)
            outbox.withdraw_ahead(session, now)
            house.refresh_marks(session, now)
        passes = Passes(house, house.dispatcher_to_be(), house.desk(), ahead=AHEAD)
        passes.on_landing(self._soon)
        self._passes.stop_reading()
        self._retired.append(self._passes)
        self._house = house
        self._passes = passes
        self._ping = Ping(settings.health_ping_url)
        self._turn_page(house)
        log.info("reloaded")
        return "Watching, with rules and settings read anew."

    def _tell_refusal(self, why: str) -> None:
        """One notice to whoever set this up. The same refusal is told once, however often it is met."""
        house = self._house
        with house.store.writing() as session:
            house.composer.enqueue_refusal(session, why, utc_now())

    def _turn_page(self, house: House) -> None:
        """Serve the page of a house that was built anew. Where it cannot be served, all else goes on."""
        if self._page is not None:
            self._page.stop()
        try:
            self._page = _open_page(house)
        except ReminderdError as error:
            self._page = None
            log.error("page_not_served %s", error)

    def _retire(self, now: dt.datetime) -> None:
        """Let what former passes have in flight land; the next pass comes soon enough to renew their leases."""
        for passes in list(self._retired):
            passes.land(now)
            if not passes.in_flight:
                passes.stop(utc_now)
                self._retired.remove(passes)
            else:
                again_at = now + passes.dispatcher.renewal_for
                self._next_at = min(self._next_at or again_at, again_at)

    def _patience(self) -> float:
        """How long the main thread sleeps: until the next look, or until the watchdog wants to be fed."""
        every = self._notifier.interval_for
        poll = self._house.settings.poll_seconds
        return poll if every is None else min(poll, every.total_seconds())

    def _feed(self) -> None:
        every = self._notifier.interval_for
        if every is None or time.monotonic() - self._last_pass > STALE_FOR.total_seconds():
            return
        if time.monotonic() - self._fed >= every.total_seconds() / 2:
            self._fed = time.monotonic()
            self._notifier.send("WATCHDOG=1")

    def _stop(self) -> None:
        log.info("stopping")
        self._notifier.send("STOPPING=1", "STATUS=Finishing what is in flight.")
        if self._page is not None:
            self._page.stop()
        self._scheduler.shutdown(wait=True)
        self._passes.stop_reading()
        left = sum(self._land(passes) for passes in [self._passes, *self._retired])
        self._listener.close()
        self._house.store.dispose()
        log.info("stopped unanswered=%s", left)

    def _land(self, passes: Passes) -> int:
        """Let what is in flight land; how many did not. What cannot be noted keeps its open attempt."""
        try:
            return passes.stop(utc_now)
        except ReminderdError as error:
            log.warning("stopped_without_database reason=%s", error.reason)
            return passes.in_flight

    def _take_signals(self) -> None:
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        self._listener.poke()

    def _on_reload(self, number: int, frame: FrameType | None) -> None:
        self._reloading = True
        self._listener.poke()


def _open_page(house: House) -> Server | None:
    """The page's server, running; ``None`` where the settings ask for none, and then nothing of it is imported."""
    if not house.settings.serves_page:
        return None
    from reminderd.web.server import Server

    page = Server(house, utc_now)
    page.start()
    return page


def _forbid_cores() -> None:
    """A core dump would hold every secret. The limit is one byte and not none, since Linux takes exactly that as a word
    to a program that takes cores by a pipe, too."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 0 if most == 0 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def run_once(settings: Settings) -> int:
    """One pass, for cron: 0 when nothing due is left, 75 when something waits for a retry, 1 when something failed
    for good. Raises `ReminderdError` when a daemon has this database already."""
    _forbid_cores()
    logs.configure(settings.log_level, settings.log_format)
    house = open_house(settings, utc_now())
    try:
        with lock.own(house.store):
            return _one_pass(house)
    finally:
        house.store.dispose()


def _one_pass(house: House) -> int:
    from reminderd.store import outbox

    passes = Passes(house, house.dispatcher_to_be(), house.desk(threads=False))
    now = utc_now()
    with house.store.writing() as session:
        outbox.unpause_channels(session, now, paused_before=max(_edited_at(house.settings), now - PAUSED_FOR))
        house.refresh_marks(session, now)
    passes.dispatcher.rescue(now, alone=house.store.is_sqlite)
    try:
        tally = passes.drain(utc_now)
        passes.housekeeping(utc_now())
    finally:
        passes.stop_reading()
        passes.stop(utc_now)
    ping = Ping(house.settings.health_ping_url)
    ping.passed()
    ping.finish()
    if tally.failed:
        return 1
    return 75 if passes.waiting(utc_now()) else 0


def _edited_at(settings: Settings) -> dt.datetime:
    """When the settings file was last written: what was wrong before may be mended since."""
    try:
        return dt.datetime.fromtimestamp(settings.env_file.stat().st_mtime, dt.UTC)
    except OSError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)


def _skew() -> dt.timedelta:
    """How far the wall clock runs beside the steady one."""
    return dt.timedelta(seconds=utc_now().timestamp() - time.monotonic())
