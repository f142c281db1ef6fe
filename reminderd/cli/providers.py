"""Mail providers known by the address: their server, and where the app password is made."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """One of them. ``warning`` is what to know before relying on it."""

    name: str
    host: str
    security: str
    password_at: str
    warning: str = ""

    def settings(self, email: str, password: str) -> dict[str, str | None]:
        """What `.env` gets."""
        return {
            "SMTP_HOST": self.host,
            "SMTP_SECURITY": self.security,
            "SMTP_USERNAME": email,
            "SMTP_PASSWORD": password,
            "SMTP_FROM": email,
        }


_GMAIL = Provider(
    "Gmail",
    "smtp.gmail.com",
    "starttls",
    "https://myaccount.google.com/apppasswords (needs 2-Step Verification)",
)
_OUTLOOK = Provider(
    "Outlook",
    "smtp-mail.outlook.com",
    "starttls",
    "https://account.live.com/proofs/AppPassword (needs two-step verification)",
    "Microsoft asks for signing in without a password and means to end sending with one:"
    " leave it empty and run `reminderd login microsoft` (docs/oauth.md).",
)
_FASTMAIL = Provider(
    "Fastmail", "smtp.fastmail.com", "force_tls", "https://app.fastmail.com/settings/security (App passwords, SMTP)"
)
_ICLOUD = Provider(
    "iCloud", "smtp.mail.me.com", "starttls", "https://account.apple.com (Sign-In and Security, App-Specific Passwords)"
)
_DOMAINS = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), _GMAIL),
    **dict.fromkeys(("outlook.com", "hotmail.com", "live.com", "msn.com"), _OUTLOOK),
    **dict.fromkeys(("fastmail.com", "fastmail.fm"), _FASTMAIL),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), _ICLOUD),
}
_NATIONAL = {"outlook": _OUTLOOK, "hotmail": _OUTLOOK, "live": _OUTLOOK}
"""Domains that come in many countries, such as outlook.de and hotmail.co.uk."""


def provider_of(email: str) -> Provider | None:
    """The provider of an address, where it is one of those known."""
    domain = email.rpartition("@")[2].casefold()
    return _DOMAINS.get(domain) or _NATIONAL.get(domain.partition(".")[0])
