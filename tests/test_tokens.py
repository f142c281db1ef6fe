"""Addresses that nobody can make who has not the key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from reminderd.errors import ConfigError
from reminderd.secret import FILE, load_key
from reminderd.settings import load
from reminderd.tokens import Token, done_address, looks_tokened, read_token, reply_address

KEY, OTHER = b"k" * 32, b"o" * 32


def test_an_address_says_whose_it_is_and_what_was_sent() -> None:
    assert read_token(reply_address("ada@example.org", KEY, 12), KEY) == Token(12)
    assert read_token(done_address("ada@example.org", KEY, 12, 345), KEY) == Token(12, 345)
    assert read_token(done_address("ada@example.org", KEY, 12, 345).upper(), KEY) == Token(12, 345)


def test_an_address_fits_what_mail_allows() -> None:
    local, _, _ = done_address("a-rather-long-name@example.org", KEY, 10**6, 10**5).partition("@")
    assert len(local) <= 64


def test_no_change_to_an_address_leaves_it_valid() -> None:
    good = done_address("ada@example.org", KEY, 12, 345)
    assert read_token(good, OTHER) is None
    for wrong in (
        good.replace("d12", "d13"),
        good.replace("-345-", "-346-"),
        good.replace("d12-345-", "r12-"),
        good.replace("+d12-345-", "+r12345-"),
        good.replace("@", "a@"),
        good[: good.index("@") - 1] + "@example.org",
        "ada@example.org",
        "",
    ):
        assert read_token(wrong, KEY) is None


def test_only_addresses_like_ours_are_looked_at() -> None:
    assert looks_tokened(f"X-Original-To: {reply_address('ada@example.org', KEY, 1)}")
    assert not looks_tokened("To: ada+shop@example.org")


def test_the_key_is_made_once_and_is_the_users_alone(tmp_path: Path) -> None:
    settings = load({}, None, tmp_path / "home")
    key = load_key(settings)
    assert load_key(settings) == key
    path = tmp_path / "home" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [FILE]
    assert load_key(load({}, None, tmp_path / "elsewhere")) != key


def test_a_set_key_makes_no_file(tmp_path: Path) -> None:
    settings = load({"SECRET_KEY": "a key that is long enough for everybody"}, None, tmp_path / "home")
    assert load_key(settings) == load_key(settings)
    assert not (tmp_path / "home").exists()


def test_a_key_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("short")
    with pytest.raises(ConfigError, match="secret_key"):
        load_key(load({}, None, tmp_path))
