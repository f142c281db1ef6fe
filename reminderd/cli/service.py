"""The running program: run, status, check, send-test."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from reminderd.cli import garbage, nobody, other_home
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.output import facts, json_option, local, moment

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.store.tables import User


@click.command()
@click.option("--once", is_flag=True, help="One pass, for cron: 0 nothing due is left, 75 something waits, 1 failed.")
@pass_ctx
def run(ctx: Ctx, once: bool) -> int:
    """The daemon: plans, composes and sends until it is stopped (SIGTERM); SIGHUP reads rules and settings anew.

    A change of rules or templates is noticed at the next pass; one of settings waits for SIGHUP.
    """
    if not once:
        garbage.look_as_usual()
    from reminderd.daemon import run_forever, run_once

    if once:
        code = run_once(ctx.settings)
        ctx.writes = True
        line = nobody.line_after_pass(ctx.settings)
        if line is not None:
            ctx.tell(f"reminderd: {line}")
        return code
    if ctx.is_terminal():
        ctx.tell_local()
    other_home.announce(ctx.settings, ctx.environ)
    return run_forever(ctx.load_settings)


@click.command()
@json_option
@pass_ctx
def status(ctx: Ctx) -> None:
    """Messages by state, what is due, when each job last ran, and how each channel does."""
    from reminderd.store import lock

    ctx.tells_faults = False
    with ctx.reading() as (session, user):
        found = _status(session, user, ctx.house().ways)
        found["daemon"] = lock.holder(ctx.house().store)
        if ctx.json:
            ctx.say_json(found)
        else:
            ctx.say(_status_text(found, user, ctx.now()))


@click.command()
@json_option
@pass_ctx
def check(ctx: Ctx) -> int:
    """Try all: database, rules, templates, mail login, Twilio account, failed messages, clock, zone, settings."""
    from reminderd.cli.trials import findings

    ctx.tells_faults = False
    found = []
    for finding in findings(ctx):
        found.append(finding)
        if not ctx.json:
            ctx.say(str(finding))
    if ctx.json:
        ctx.say_json([{"what": one.what, "ok": one.is_ok, "words": one.words} for one in found])
    return 0 if all(finding.is_ok for finding in found) else 1


@click.command("send-test")
@click.option("--channel", type=click.Choice(("email", "sms")), help="E-mail where not given.")
@pass_ctx
def send_test(ctx: Ctx, channel: str | None) -> int:
    """Send yourself a test message, now."""
    from reminderd.cli.trial import send_trial, told

    ctx.tells_faults = False
    trial = send_trial(ctx, channel)
    ctx.tell(told(trial, ctx) if trial.is_sent else f"reminderd: {told(trial, ctx)}")
    return trial.exit_code


# ---- helpers


def _status(session: Session, user: User, ways: frozenset[str]) -> dict[str, Any]:
    from sqlalchemy import func, select

    from reminderd.cli.faults import channels_of
    from reminderd.rules.states import State
    from reminderd.store import outbox
    from reminderd.store.tables import UNSETTLED, Delivery, Job, Nudge, Step, StepState

    waiting = select(func.min(Delivery.due_at)).where(Delivery.user_id == user.id, Delivery.state.in_(UNSETTLED))
    steps = (
        select(func.min(Step.at))
        .join(Nudge, Nudge.id == Step.nudge_id)
        .where(Step.user_id == user.id, Step.state == StepState.PENDING, Nudge.state == State.OPEN)
    )
    oldest = session.scalar(waiting)
    is_reached = bool(channels_of(user, ways))
    moments = [at for at in (oldest, session.scalar(steps) if is_reached else None) if at is not None]
    return {
        "deliveries": outbox.counts(session, user.id),
        "oldest_due_at": local(oldest, user.zone),
        "next_due_at": local(min(moments, default=None), user.zone),
        "jobs": {job.name: local(job.last_pass_at, user.zone) for job in session.scalars(select(Job))},
        "channels": _channels(session, user, ways),
    }


def _channels(session: Session, user: User, ways: frozenset[str]) -> dict[str, dict[str, Any]]:
    from sqlalchemy import select

    from reminderd.cli.faults import channels_of, stopped_by
    from reminderd.store import outbox
    from reminderd.store.tables import ChannelHealth

    query = select(ChannelHealth).where(ChannelHealth.user_id == user.id)
    health = {row.channel: row for row in session.scalars(query)}
    sent_at = outbox.last_sent_at(session, user.id)
    found: dict[str, dict[str, Any]] = {}
    stopped = stopped_by(user, ways)
    for channel in dict.fromkeys((*channels_of(user, ways), *stopped, *health)):
        row = health.get(channel)
        found[channel] = {
            "last_success_at": local(sent_at.get(channel), user.zone),
            "paused": bool(row and row.paused_at),
            "words": row.words if row else None,
            "stopped": channel in stopped,
        }
    return found


def _status_text(found: dict[str, Any], user: User, now: dt.datetime) -> str:
    from reminderd.cli.faults import START_AGAIN

    states = ", ".join(f"{count} {state}" for state, count in found["deliveries"].items() if count)
    pairs = [
        ("Daemon", f"running (process {found['daemon']})" if found["daemon"] else None),
        ("Messages", states or "none yet"),
        ("Oldest waiting", moment(found["oldest_due_at"], user.zone, now)),
        ("Next due", moment(found["next_due_at"], user.zone, now) or "nothing"),
        *[(f"Last {name}", moment(at, user.zone, now)) for name, at in found["jobs"].items()],
    ]
    for channel, state in found["channels"].items():
        last = moment(state["last_success_at"], user.zone, now)
        words = f"last sent {last}" if last else "nothing sent yet"
        if state["stopped"]:
            words = f"stopped by you; to start again: {START_AGAIN[channel]}"
        elif state["paused"]:
            words = f"stopped: {state['words'] or 'no reason was given'} Once mended: reminderd send-test"
        pairs.append(("E-mail" if channel == "email" else "Texts", words))
    return facts(pairs)
