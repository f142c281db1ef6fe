"""What Twilio's error codes mean: one table, and a fallback by HTTP status."""

from __future__ import annotations

import dataclasses
import datetime as dt

from reminderd.rules.retry import Fault, Verdict


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One meaning, for every code that has it."""

    codes: tuple[int, ...]
    verdict: Verdict
    words: str
    spacing: dt.timedelta | None = None
    most_attempts: int | None = None


BUSY = "Twilio is busy."
UNKNOWN = "Twilio did not confirm the text: it may have been sent, and is being looked for."
UNREACHABLE = "Twilio could not be reached."
CREDENTIALS = "Twilio does not accept the credentials: check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."

# The codes: https://www.twilio.com/docs/api/errors
TABLE = (
    Row((429, 20429), Verdict.AGAIN, BUSY),
    Row((500, 503, 20500, 20503), Verdict.RECONCILE, UNKNOWN),
    Row((401, 20003), Verdict.PAUSE, CREDENTIALS),
    Row((21211, 21614), Verdict.BAD_ADDRESS, "The number cannot receive texts: correct the number."),
    Row((21635, 30006), Verdict.BAD_ADDRESS, "A landline or unreachable carrier: use a mobile number, or e-mail."),
    Row((21408,), Verdict.PAUSE, "Texts to this region are off: enable it under Geo Permissions in Twilio."),
    Row(
        (21606, 21608, 21612),
        Verdict.PAUSE,
        "Twilio cannot send from this sender to the number (sender, trial account or route): fix the sender.",
    ),
    Row((21610,), Verdict.BAD_ADDRESS, "The phone answered STOP: text START to the sender, or use e-mail."),
    Row((21611, 30001), Verdict.AGAIN, "Twilio's queue is full.", spacing=dt.timedelta(minutes=15)),
    Row((21617,), Verdict.GIVE_UP, "The text is over 1,600 characters: shorten it."),
    Row((30002,), Verdict.PAUSE, "The Twilio account is suspended: contact Twilio."),
    Row(
        (30003,),
        Verdict.AGAIN,
        "The phone is unreachable (off, or without a network).",
        spacing=dt.timedelta(minutes=30),
        most_attempts=3,
    ),
    Row((30004, 30007, 30450), Verdict.GIVE_UP, "The text was blocked or filtered: review its wording, or use e-mail."),
    Row((30005,), Verdict.BAD_ADDRESS, "The number is unknown: check the number."),
    Row((30008,), Verdict.AGAIN, "The carrier did not confirm the text.", most_attempts=2),
    Row((30032, 30034), Verdict.PAUSE, "The sender is not registered (toll-free or 10DLC): register it with Twilio."),
    Row((30036,), Verdict.AGAIN, "The text went stale in Twilio's queue."),
    Row((30500,), Verdict.AGAIN, "Twilio had an internal error.", most_attempts=2),
)
_BY_CODE = {code: row for row in TABLE for code in row.codes}


def fault_for_answer(status: int, code: int | None, retry_after: dt.timedelta | None = None) -> Fault:
    """What an HTTP answer other than success means. The codes change (Twilio adds some), so that an unknown one falls
    back on its status: 429 again, 5xx reconcile, any other give up."""
    if status >= 500:
        return Fault(Verdict.RECONCILE, str(code or status), UNKNOWN, retry_after=retry_after)
    if status == 429:
        return Fault(Verdict.AGAIN, str(code or status), BUSY, retry_after=retry_after)
    row = _BY_CODE.get(code or status) or _BY_CODE.get(status)
    if row is None:
        return Fault(Verdict.GIVE_UP, str(code or status), _refused(code), retry_after=retry_after)
    return dataclasses.replace(_fault(row, code or status), retry_after=retry_after)


def fault_for_status(code: int | None) -> Fault:
    """What a text that ended as ``failed`` or ``undelivered`` means, by the error code that Twilio gives."""
    row = _BY_CODE.get(code or 0)
    if row is None or row.verdict is Verdict.RECONCILE:
        return Fault(Verdict.GIVE_UP, str(code or "undelivered"), _refused(code))
    return _fault(row, code or 0)


def _fault(row: Row, code: int) -> Fault:
    return Fault(row.verdict, str(code), row.words, spacing=row.spacing, most_attempts=row.most_attempts)


def _refused(code: int | None) -> str:
    if code is None or code < 1000:
        return "Twilio refused the text."
    return f"Twilio refused the text: see https://www.twilio.com/docs/errors/{code}"
