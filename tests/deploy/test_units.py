"""The units as systemd's own tools judge them, and what must agree in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from reminderd.cli import units
from reminderd.settings import rows
from tests.deploy.machine import ROOT

DEPLOY = ROOT / "deploy"
SYSTEM_UNITS = ("reminderd.service", "timer/reminderd-once.service")
MOST_EXPOSED = 1.2


def analyze(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"):
            pytest.fail("systemd-analyze is required here.")
        pytest.skip("there is no systemd-analyze")
    environ = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, env=environ, timeout=60
    )


def fitted(name: str, folder: Path) -> Path:
    """A unit whose program exists."""
    path = folder / Path(name).name
    path.write_text(units.rendered((DEPLOY / name).read_text("utf-8"), ["/bin/true"]), "utf-8")
    return path


@pytest.mark.parametrize("name", [*SYSTEM_UNITS, "timer/reminderd-once.timer"])
def test_verify_has_nothing_to_say_on_a_system_unit(name: str, tmp_path: Path) -> None:
    for other in SYSTEM_UNITS:  # a timer is read with its service
        fitted(other, tmp_path)
    ran = analyze("verify", str(fitted(name, tmp_path)), folder=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_verify_has_nothing_to_say_on_the_user_unit(tmp_path: Path) -> None:
    ran = analyze("verify", "--user", str(fitted("user/reminderd.service", tmp_path)), folder=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("name", SYSTEM_UNITS)
def test_a_system_unit_exposes_next_to_nothing(name: str, tmp_path: Path) -> None:
    limit = f"--threshold={int(MOST_EXPOSED * 10)}"
    ran = analyze("security", "--offline=true", limit, str(fitted(name, tmp_path)), folder=tmp_path)
    assert ran.returncode == 0, ran.stdout


def test_the_timer_s_service_is_limited_as_the_daemon_is() -> None:
    daemon, once = ((DEPLOY / name).read_text("utf-8") for name in SYSTEM_UNITS)
    limits = daemon[daemon.index("# --- who, and where") : daemon.index("[Install]")].strip()
    assert once.endswith(limits + "\n")


def test_every_secret_setting_has_a_credential() -> None:
    text = (DEPLOY / "reminderd.service").read_text("utf-8")
    loaded = {line.partition("=")[2] for line in text.splitlines() if line.startswith("LoadCredential=")}
    names = [row.name.lower() for row in rows() if row.secret]
    assert loaded == {f"{name}:reminderd.{name}" for name in names}


def test_every_directive_stands_under_a_word_on_why() -> None:
    for name in ("reminderd.service", "user/reminderd.service"):
        sections = (DEPLOY / name).read_text("utf-8").split("\n[Service]\n")[1].split("\n[Install]")[0]
        explained = False
        for line in sections.splitlines():
            explained = line.startswith("#") or (explained and bool(line))
            # What needs no word: who it is called in the journal.
            assert explained or not line or line.startswith("SyslogIdentifier="), f"{name}: {line}"


def test_a_stop_has_time_for_the_sends_under_way() -> None:
    default = next(row.default for row in rows() if row.name == "STOP_SECONDS")
    assert f"TimeoutStopSec={int(default) + 10}\n" in (DEPLOY / "reminderd.service").read_text("utf-8")


def test_a_rendered_unit_names_the_program_and_the_home_so_that_systemd_reads_them_back(tmp_path: Path) -> None:
    program = tmp_path / "with space $HOME 100%" / "reminderd"
    program.parent.mkdir()
    program.symlink_to("/bin/true")
    text = units.rendered(units.shipped("user/reminderd.service"), [str(program)], {"REMINDERD_HOME": "/srv/a b%"})
    assert 'Environment="REMINDERD_HOME=/srv/a b%%"\nExecStart="' in text
    (tmp_path / "reminderd.service").write_text(text, "utf-8")
    ran = analyze("verify", "--user", str(tmp_path / "reminderd.service"), folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_wheel_takes_the_units_along() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {"/deploy/reminderd.*", "/deploy/user"} <= set(wheel["include"])
    assert wheel["sources"]["deploy"] == "reminderd/deploy"
