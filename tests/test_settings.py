"""Settings: where they come from, what is refused, and that nothing generated drifts."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from docs.generate import ROOT, generated
from reminderd import settings as module
from reminderd.env_file import quoted
from reminderd.errors import ConfigError, SettingError
from reminderd.settings import Settings, load, places, read_env, rows, suggestions, write_env

MAIL = {"SMTP_HOST": "smtp.example.org", "SMTP_FROM": "me@example.org"}
TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "token", "TWILIO_FROM": "+14155550100"}

PASSWORDS = r"""plain
two words
#hash
a#b
a #b
$HOME
${HOME}
back\slash
one at the end\
\n
\$x
`tick`
a=b
it's
'single'
"double"
say "hi"
ü€🙂
%s;&|*
~/x!"""


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def loaded(tmp_path: Path, **environ: str) -> Settings:
    return load(environ, home=tmp_path)


class TestPlaces:
    def test_a_home_holds_everything_in_one_folder(self, tmp_path: Path) -> None:
        settings = load({}, home=tmp_path)
        assert settings.home == settings.config_dir == tmp_path
        assert settings.database_path == tmp_path / "reminderd.db"
        assert settings.database_url == f"sqlite:///{tmp_path}/reminderd.db"
        assert settings.maildir == tmp_path / "Maildir"
        assert settings.env_file == tmp_path / ".env"

    @pytest.mark.parametrize(
        ("environ", "state", "config"),
        [
            ({"HOME": "/h"}, "/h/.local/state/reminderd", "/h/.config/reminderd"),
            ({"HOME": "/h", "XDG_STATE_HOME": "/s", "XDG_CONFIG_HOME": "/c"}, "/s/reminderd", "/c/reminderd"),
            ({"HOME": "/h", "XDG_STATE_HOME": "relative"}, "/h/.local/state/reminderd", "/h/.config/reminderd"),
            (
                {"HOME": "/h", "STATE_DIRECTORY": "/var/lib/reminderd", "CONFIGURATION_DIRECTORY": "/etc/reminderd"},
                "/var/lib/reminderd",
                "/etc/reminderd",
            ),
        ],
    )
    def test_without_a_home_systemds_folders_then_the_xdg_ones_hold(
        self, environ: dict[str, str], state: str, config: str
    ) -> None:
        assert places(environ) == (Path(state), Path(config))

    def test_a_relative_home_is_made_absolute(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert load({}, home=Path("here")).home == tmp_path / "here"


class TestSources:
    def test_the_real_environment_wins_over_the_file(self, tmp_path: Path, env_file: Path) -> None:
        env_file.write_text("SMTP_FROM_NAME=file\nSENDERS=7\n")
        settings = loaded(tmp_path, SMTP_FROM_NAME="real")
        assert (settings.smtp_from_name, settings.senders) == ("real", 7)

    def test_an_empty_value_is_as_good_as_none(self, tmp_path: Path, env_file: Path) -> None:
        env_file.write_text("SENDERS=\nSMTP_FROM_NAME=file\n")
        settings = loaded(tmp_path, SMTP_FROM_NAME="", SMTP_HOST="")
        assert (settings.senders, settings.smtp_from_name, settings.smtp_host) == (4, "file", None)

    def test_nothing_in_the_file_is_expanded(self, tmp_path: Path, env_file: Path) -> None:
        env_file.write_text('SMTP_USERNAME=me\nSMTP_PASSWORD="a${HOME}$b"\n')
        assert loaded(tmp_path, HOME="/h").smtp_password == "a${HOME}$b"

    def test_a_file_named_explicitly_replaces_the_one_in_the_configuration_folder(
        self, tmp_path: Path, env_file: Path
    ) -> None:
        env_file.write_text("SENDERS=7\n")
        other = tmp_path / "other.env"
        other.write_text("LOG_LEVEL=debug\n")
        settings = load({}, other, tmp_path)
        assert (settings.senders, settings.log_level, settings.env_file) == (4, "debug", other)

    def test_a_file_named_explicitly_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"gone\.env: cannot be read"):
            load({}, tmp_path / "gone.env", tmp_path)

    @pytest.mark.parametrize(
        ("text", "line"), [("SENDERS=4\n\nnonsense\n", 3), ("SENDERS\n", 1), ('A=b\nSMTP_PASSWORD="open\n', 2)]
    )
    def test_a_line_that_is_none_is_refused_by_its_number_alone(
        self, tmp_path: Path, env_file: Path, text: str, line: int
    ) -> None:
        env_file.write_text(text)
        with pytest.raises(ConfigError, match=rf"\.env, line {line}: expected NAME=value\.$"):
            load({}, home=tmp_path)

    def test_relative_paths_start_from_where_they_were_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        (tmp_path / ".env").write_text("MAILDIR=Mail\n")
        settings = loaded(tmp_path, DATABASE_URL="sqlite:///mine.db")
        assert settings.maildir == tmp_path / "Mail"
        assert settings.database_path == tmp_path / "elsewhere" / "mine.db"


class TestSecrets:
    def test_a_secret_may_stand_in_a_file_of_its_own(self, tmp_path: Path) -> None:
        (tmp_path / "pw").write_text("hush \n")
        settings = loaded(tmp_path, SMTP_USERNAME="me", SMTP_PASSWORD_FILE=str(tmp_path / "pw"))
        assert settings.smtp_password == "hush "

    @pytest.mark.parametrize("name", ["smtp_password", "SMTP_PASSWORD"])
    def test_systemds_credentials_win_over_the_file_and_lose_to_the_environment(
        self, tmp_path: Path, env_file: Path, name: str
    ) -> None:
        env_file.write_text("SMTP_USERNAME=me\nSMTP_PASSWORD=from-file\n")
        folder = tmp_path / "credentials"
        folder.mkdir()
        (folder / name).write_text("from-systemd\n")
        (folder / "smtp_host").write_text("not.a.secret\n")
        settings = loaded(tmp_path, CREDENTIALS_DIRECTORY=str(folder))
        assert (settings.smtp_password, settings.smtp_host) == ("from-systemd", None)
        assert loaded(tmp_path, CREDENTIALS_DIRECTORY=str(folder), SMTP_PASSWORD="real").smtp_password == "real"

    def test_both_ways_at_once_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SettingError, match="SMTP_PASSWORD_FILE: expected nothing, because SMTP_PASSWORD is set"):
            loaded(tmp_path, SMTP_PASSWORD="hush", SMTP_PASSWORD_FILE="/x")

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingError, match=r"SECRET_KEY_FILE: expected a readable text file, not '/gone'\."):
            loaded(tmp_path, SECRET_KEY_FILE="/gone")

    @pytest.mark.parametrize("name", [row.name for row in rows() if row.secret])
    def test_a_bad_secret_is_named_but_never_shown(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(SettingError) as caught:
            loaded(tmp_path, **{name: "hush\x07hush"})
        assert str(caught.value).startswith(f"{name}: expected ")
        assert "hush" not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_the_settings_shown_as_text_hold_no_secret(self, tmp_path: Path) -> None:
        environ = MAIL | TWILIO | {"SMTP_USERNAME": "me", "SMTP_PASSWORD": "s3cret", "SECRET_KEY": "s3cret" * 3}
        shown = repr(loaded(tmp_path, **environ | {"DATABASE_URL": "postgresql://u:s3cret@h/d"}))
        assert "smtp.example.org" in shown
        assert "s3cret" not in shown

    def test_an_app_password_copied_from_a_web_page_works(self, tmp_path: Path) -> None:
        settings = loaded(tmp_path, SMTP_USERNAME="me", SMTP_PASSWORD="abcd\u00a0efgh")
        assert settings.smtp_password == "abcd efgh"


class TestValues:
    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("DATABASE_URL", "sqlite:////var/x.db", "sqlite:////var/x.db"),
            ("DATABASE_URL", "postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
            ("DATABASE_URL", "postgresql:///d?host=/run", "postgresql+psycopg:///d?host=/run"),
            ("SMTP_HOST", "[::1]", "::1"),
            ("SMTP_PORT", " 2525 ", 2525),
            ("SMTP_SECURITY", "FORCE_TLS", "force_tls"),
            ("SMTP_FROM_NAME", "Ada’s reminders", "Ada’s reminders"),
            ("SITE_ROOT", "https://r.example.org/x/", "https://r.example.org/x"),
            ("BACKOFF_SECONDS", "1, 2,3", (1, 2, 3)),
            ("POLL_SECONDS", "0.5", 0.5),
            ("DEFAULT_REGION", "de", "DE"),
            ("LISTEN_ADDR", "[::1]:80", "[::1]:80"),
            ("HEALTH_PING_URL", "https://hc.example.org/a?b=c", "https://hc.example.org/a?b=c"),
        ],
    )
    def test_a_good_value_is_taken(self, tmp_path: Path, name: str, text: str, value: object) -> None:
        environ = (MAIL if name.startswith("SMTP_") else {}) | {name: text}
        assert getattr(loaded(tmp_path, **environ), name.lower()) == value

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("DATABASE_URL", "mysql://h/d"),
            ("DATABASE_URL", "sqlite://"),
            ("DATABASE_URL", "sqlite:///:memory:"),
            ("DATABASE_URL", "postgresql://"),
            ("SMTP_HOST", "smtp.example.org:587"),
            ("SMTP_HOST", "smtp://example.org"),
            ("SMTP_PORT", "0"),
            ("SMTP_PORT", "many"),
            ("SMTP_SECURITY", "ssl"),
            ("SMTP_FROM", "Ada <ada@example.org>"),
            ("SMTP_FROM", "ada"),
            ("SMTP_FROM_NAME", "a\r\nBcc: b@example.org"),
            ("SMTP_CA_FILE", "/gone.pem"),
            ("TWILIO_ACCOUNT_SID", "SK123"),
            ("TWILIO_FROM", "(415) 555-0100"),
            ("TWILIO_API_URL", "api.twilio.com"),
            ("SMS_SEGMENTS", "0"),
            ("SITE_ROOT", "https://"),
            ("SITE_ROOT", "https://example.org:x"),
            ("SITE_ROOT", "https://example.org/?a=b"),
            ("LISTEN_ADDR", "127.0.0.1"),
            ("LISTEN_ADDR", "127.0.0.1:99999"),
            ("LISTEN_ADDR", "http://127.0.0.1:80"),
            ("BACKOFF_SECONDS", "60,,300"),
            ("POLL_SECONDS", "nan"),
            ("LOG_LEVEL", "loud"),
            ("HEALTH_PING_URL", "ftp://example.org"),
        ],
    )
    def test_a_bad_value_is_refused_by_name_with_what_was_expected(self, tmp_path: Path, name: str, text: str) -> None:
        with pytest.raises(SettingError, match=f"^{name}: expected ") as caught:
            loaded(tmp_path, **{name: text})
        assert caught.value.exit_code == 78

    @pytest.mark.parametrize(
        ("text", "listen"),
        [("127.0.0.1:8025", ("127.0.0.1", 8025)), ("[::1]:80", ("::1", 80)), (":80", ("0.0.0.0", 80))],
    )
    def test_the_listening_address_comes_in_two_parts(self, tmp_path: Path, text: str, listen: tuple[str, int]) -> None:
        assert loaded(tmp_path, LISTEN_ADDR=text).listen == listen

    def test_postgresql_has_no_database_file(self, tmp_path: Path) -> None:
        assert loaded(tmp_path, DATABASE_URL="postgresql://h/d").database_path is None

    @pytest.mark.parametrize(
        ("security", "port"), [("starttls", 587), ("force_tls", 465), ("off", 25), ("off_forced", 25)]
    )
    def test_the_port_follows_from_the_security(self, tmp_path: Path, security: str, port: int) -> None:
        environ = MAIL | {"SMTP_HOST": "localhost", "SMTP_SECURITY": security}
        assert loaded(tmp_path, **environ).smtp_port == port
        assert loaded(tmp_path, **environ, SMTP_PORT="2525").smtp_port == 2525

    @pytest.mark.parametrize("row", [row for row in rows() if row.default], ids=lambda row: row.name)
    def test_every_default_passes_its_own_check(self, tmp_path: Path, row: module.Row) -> None:
        row.kind.parse(row.default, tmp_path)


class TestContradictions:
    @pytest.mark.parametrize(
        ("environ", "words"),
        [
            ({"SMTP_USERNAME": "me"}, "SMTP_PASSWORD: expected a value, because SMTP_USERNAME is set"),
            ({"SMTP_PASSWORD": "x"}, "SMTP_USERNAME: expected a value, because SMTP_PASSWORD is set"),
            ({"SMTP_HOST": "h"}, "SMTP_FROM: expected the address to send from, because SMTP_HOST is set"),
            ({"SMTP_HOST": "h", "SMTP_USERNAME": "me", "SMTP_PASSWORD": "x"}, "SMTP_FROM: expected"),
            (MAIL | {"SMTP_SECURITY": "off"}, r"SMTP_SECURITY: expected starttls or force_tls for smtp\.example\.org"),
            ({**TWILIO, "TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN: expected a value"),
            ({**TWILIO, "TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID: expected a value"),
            ({**TWILIO, "TWILIO_FROM": ""}, "TWILIO_FROM or TWILIO_MESSAGING_SERVICE_SID: expected a value"),
            ({"IMAP_HOST": "h"}, "IMAP_USERNAME: expected a value, because IMAP_HOST is set"),
            ({"IMAP_USERNAME": "me"}, "IMAP_PASSWORD: expected a value, because IMAP_USERNAME is set"),
            (
                {"IMAP_HOST": "h", "IMAP_USERNAME": "me", "IMAP_PASSWORD": "x", "IMAP_SECURITY": "off"},
                "IMAP_SECURITY: expected starttls or force_tls for h",
            ),
        ],
    )
    def test_settings_that_contradict_each_other_are_refused(
        self, tmp_path: Path, environ: dict[str, str], words: str
    ) -> None:
        with pytest.raises(SettingError, match=f"^{words}"):
            loaded(tmp_path, **environ)

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
    def test_clear_text_is_fine_on_this_machine(self, tmp_path: Path, host: str) -> None:
        assert loaded(tmp_path, **MAIL | {"SMTP_HOST": host, "SMTP_SECURITY": "off"}).smtp_host == host

    def test_clear_text_to_elsewhere_has_to_be_forced(self, tmp_path: Path) -> None:
        assert loaded(tmp_path, **MAIL, SMTP_SECURITY="off_forced").smtp_security == "off_forced"

    def test_a_user_name_that_is_an_address_is_the_sender(self, tmp_path: Path) -> None:
        settings = loaded(tmp_path, SMTP_HOST="h", SMTP_USERNAME="me@example.org", SMTP_PASSWORD="x")
        assert settings.smtp_from == "me@example.org"

    def test_a_messaging_service_is_enough_of_a_sender(self, tmp_path: Path) -> None:
        environ = {**TWILIO, "TWILIO_FROM": "", "TWILIO_MESSAGING_SERVICE_SID": "MG1"}
        assert loaded(tmp_path, **environ).twilio_messaging_service_sid == "MG1"


class TestSuggestions:
    def test_names_of_other_programs_are_told_ours(self) -> None:
        assert suggestions({"EMAIL_HOST_PASSWORD": "hush", "TWILIO_AUTH": "hush", "PATH": "/bin"}) == [
            "EMAIL_HOST_PASSWORD is set, but reminderd reads SMTP_PASSWORD.",
            "TWILIO_AUTH is set, but reminderd reads TWILIO_AUTH_TOKEN.",
        ]

    def test_a_slip_in_one_of_ours_is_noticed(self) -> None:
        assert suggestions({"SMTP_PASWORD": "x"}) == ["SMTP_PASWORD is set, but reminderd reads SMTP_PASSWORD."]

    def test_nothing_is_said_where_ours_is_set_or_right(self) -> None:
        assert suggestions({"MAIL_SERVER": "a", "SMTP_HOST": "b", "SMTP_PASSWORD_FILE": "c", "SMTP_PASS": "d"}) == []

    def test_every_name_suggested_is_one_of_ours(self) -> None:
        assert set(module._OTHER_NAMES.values()) <= {row.name for row in rows()}


class TestWriting:
    def test_other_lines_and_comments_stay(self, env_file: Path) -> None:
        env_file.write_text("# mine\n\nSMTP_HOST=old # why\nOTHER='kept' \n\n# end\nSMTP_HOST=twice")
        write_env(env_file, {"SMTP_HOST": "new.example.org", "SMTP_PORT": "465"})
        assert env_file.read_text() == "# mine\n\nSMTP_HOST=new.example.org\nOTHER='kept' \n\n# end\nSMTP_PORT=465\n"

    def test_a_value_takes_the_place_of_its_commented_default(self, env_file: Path) -> None:
        env_file.write_text((ROOT / ".env.example").read_text())
        write_env(env_file, {"SMTP_SECURITY": "force_tls", "SMTP_HOST": r"a\1b"})
        text = env_file.read_text()
        assert "\nSMTP_SECURITY=force_tls\n" in text
        assert "#SMTP_SECURITY" not in text
        assert read_env(env_file) == {"SMTP_SECURITY": "force_tls", "SMTP_HOST": r"a\1b"}

    def test_none_takes_a_name_out(self, env_file: Path) -> None:
        env_file.write_text("A=1\nB=2\n")
        write_env(env_file, {"A": None, "C": None})
        assert env_file.read_text() == "B=2\n"

    def test_only_the_owner_may_read_it_and_nothing_else_is_left_behind(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / ".env"
        write_env(path, {"SMTP_PASSWORD": "x"})
        os.chmod(path, 0o644)
        write_env(path, {"SMTP_PASSWORD": "y"})
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.listdir(path.parent) == [".env"]

    def test_a_broken_file_is_left_as_it_is(self, env_file: Path) -> None:
        env_file.write_text("nonsense here\n")
        with pytest.raises(ConfigError):
            write_env(env_file, {"A": "1"})
        assert env_file.read_text() == "nonsense here\n"

    @pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b"])
    def test_a_value_of_several_lines_is_refused_unshown(self, env_file: Path, value: str) -> None:
        with pytest.raises(SettingError, match=r"^SMTP_PASSWORD: expected text on one line[^']*\.$"):
            write_env(env_file, {"SMTP_PASSWORD": value})
        assert not env_file.exists()

    @pytest.mark.parametrize(
        "value",
        [" spaces at the ends ", *PASSWORDS.splitlines()],
    )
    def test_dotenv_and_systemd_read_back_what_was_written(self, env_file: Path, value: str) -> None:
        write_env(env_file, {"SMTP_PASSWORD": value})
        assert read_env(env_file) == {"SMTP_PASSWORD": value}
        assert dotenv_values(env_file, interpolate=False) == {"SMTP_PASSWORD": value}
        assert as_systemd_reads(quoted("SMTP_PASSWORD", value)) == value


class TestGenerated:
    @pytest.mark.parametrize("path", sorted(generated()))
    def test_generated_files_match_the_table(self, path: str) -> None:
        assert (ROOT / path).read_text(encoding="utf-8") == generated()[path], "run `make docs`"

    def test_the_example_with_everything_uncommented_is_a_file_both_parsers_read(self, tmp_path: Path) -> None:
        lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
        settings = [line[1:] for line in lines if line.startswith("#") and line[1:2] not in ("", " ")]
        assert [line.split("=")[0] for line in settings] == [row.name for row in rows()]
        (tmp_path / ".env").write_text("\n".join(settings))
        nothing_set = load({}, Path(os.devnull), tmp_path)
        assert load({}, home=tmp_path) == dataclasses.replace(nothing_set, env_file=tmp_path / ".env")


def as_systemd_reads(written: str) -> str:
    """What systemd's parser makes of the text after `NAME=` (parse_env_file_internal): in double quotes a backslash
    takes the meaning from `"`, a backslash, a backtick and `$` only; elsewhere from any character."""
    inside = written.startswith('"')
    text, value, at = written.removeprefix('"'), "", 0
    while at < len(text) and not (inside and text[at] == '"'):
        if text[at] == "\\":
            at += 1
            value += text[at] if not inside or text[at] in '"\\`$' else "\\" + text[at]
        else:
            value += text[at]
        at += 1
    assert at == len(text) - inside, "something stands after the closing quote"
    return value
