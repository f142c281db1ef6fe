"""The Debian package: built, free of lintian's errors, installed, upgraded, removed and purged on a real systemd."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.machine import ROOT, Machine, running_machine

TOOLS = ("dpkg-buildpackage", "dh", "lintian")
DATABASE = "/var/lib/reminderd/reminderd.db"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, by `make deb`."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        if os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"):
            pytest.fail(f"{missing[0]} is required here.")
        pytest.skip(f"there is no {missing[0]}")
    copy = tmp_path_factory.mktemp("deb") / "reminderd"
    left_out = shutil.ignore_patterns(".git", ".venv*", "build", "dist", "demo", "__pycache__", ".*_cache", "tests")
    shutil.copytree(ROOT, copy, ignore=left_out)
    ran = subprocess.run(["make", "deb"], cwd=copy, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    (built,) = (copy / "dist").glob("*.deb")
    return built


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Machine]:
    """Without the checkout's own program: the package has to bring everything."""
    with running_machine(tmp_path_factory.mktemp("machine"), f"{package.parent}:/opt/packages") as booted:
        booted.run("rm", "-rf", "/opt/reminderd", "/usr/local/bin/reminderd")
        yield booted


@pytest.mark.timeout(600)
def test_lintian_finds_no_error_and_every_override_is_needed(package: Path) -> None:
    command = ["lintian", "--fail-on", "error", "--display-info", "--allow-root", str(package)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "unused-override" not in ran.stdout


@pytest.mark.timeout(600)
def test_it_installs_upgrades_removes_and_purges_cleanly(machine: Machine, package: Path) -> None:
    archive = f"/opt/packages/{package.name}"
    machine.run("sh", "-c", "rm -f /etc/dpkg/dpkg.cfg.d/*")  # where a container's image leaves manual pages out
    install = ("dpkg", "--install", archive)
    machine.run(*install)
    assert machine.shown("UnitFileState") == "disabled"  # it does not know yet whom to remind
    assert machine.run("stat", "-c", "%U %a", "/etc/reminderd", "/var/lib/reminderd").split() == [
        "reminderd",
        "750",
        "reminderd",
        "700",
    ]
    machine.run("reminderd", "init", "--name", "Ada Byron", "--email", "ada@example.org")
    machine.run("reminderd", "service", "install", "--system")
    assert machine.shown("FragmentPath").startswith(("/lib/systemd", "/usr/lib/systemd"))
    assert machine.shown("ActiveState") == "active"
    verified = machine.try_run("systemd-analyze", "verify", "reminderd.service")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "reminderd service install" in machine.run("man", "reminderd-service")
    for shell, place in (
        ("bash", "/usr/share/bash-completion/completions/reminderd"),
        ("zsh", "/usr/share/zsh/vendor-completions/_reminderd"),
        ("fish", "/usr/share/fish/vendor_completions.d/reminderd.fish"),
    ):
        text = machine.run("cat", place)
        assert "_REMINDERD_COMPLETE" in text
        if shutil.which(shell):
            machine.run(shell, "-n", place)

    former = machine.shown("MainPID")
    machine.run(*install)
    machine.until(lambda: machine.shown("ActiveState") == "active", "a restart by the upgrade")
    assert machine.shown("MainPID") != former

    machine.run("dpkg", "--remove", "reminderd")
    assert machine.shown("ActiveState") != "active"
    machine.run("test", "-e", DATABASE)
    assert machine.try_run("test", "-e", "/usr/lib/reminderd").returncode != 0
    machine.run("dpkg", "--purge", "reminderd")
    for place in ("/var/lib/reminderd", "/etc/reminderd", "/usr/lib/reminderd"):
        assert machine.try_run("test", "-e", place).returncode != 0, place
