"""The Debian package: built, free of lintian's errors, installed, upgraded, removed and purged on a real systemd."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reminderd.cli.main import COMMANDS
from tests.deploy.machine import ROOT, Machine, running_machine

TOOLS = ("dpkg-buildpackage", "dh", "lintian")
COMPLETING = {
    "bash": """
source /usr/share/bash-completion/completions/reminderd
COMP_WORDS=(reminderd serv) COMP_CWORD=1
_reminderd_completion reminderd
echo "${COMPREPLY[@]}"
""",
    "fish": "complete --do-complete 'reminderd serv' | cut -f 1",
    # Its own menu wants a terminal, so that what would be in it is printed.
    "zsh": """
autoload -Uz compinit && compinit -u
[[ $_comps[reminderd] == _reminderd ]] || exit
_describe() { print -- ${${(P)3}%%:*} }
words=(reminderd serv) CURRENT=2
autoload -Uz _reminderd && _reminderd
""",
}
"""What lies where each shell looks by itself, asked for a word that has begun."""
DATABASE = "/var/lib/reminderd/reminderd.db"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, by `make deb`, once for all processes that run tests."""
    need(*TOOLS)
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    with (folder / "deb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "deb").exists():
            build(folder / "deb.part")
            (folder / "deb.part").rename(folder / "deb")
    (built,) = (folder / "deb" / "dist").glob("*.deb")
    return built


def build(copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    left_out = shutil.ignore_patterns(".git", ".venv*", "build", "dist", "demo", "__pycache__", ".*_cache", "tests")
    shutil.copytree(ROOT, copy, ignore=left_out)
    ran = subprocess.run(["make", "deb"], cwd=copy, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]


def need(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        if os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"):
            pytest.fail(f"{missing[0]} is required here.")
        pytest.skip(f"there is no {missing[0]}")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Machine]:
    """Without the checkout's own program: the package has to bring everything."""
    with running_machine(tmp_path_factory.mktemp("machine"), f"{package.parent}:/opt/packages") as booted:
        booted.run("rm", "-rf", "/opt/reminderd", "/usr/local/bin/reminderd")
        booted.run("sh", "-c", "rm -f /etc/dpkg/dpkg.cfg.d/*")  # where a container's image leaves manual pages out
        yield booted


@pytest.fixture
def installed(machine: Machine, package: Path) -> Machine:
    """As it is once it has been unpacked and nothing was done yet."""
    if machine.try_run("dpkg", "--status", "reminderd").returncode:
        machine.run("dpkg", "--install", f"/opt/packages/{package.name}")
    return machine


@pytest.mark.timeout(600)
def test_lintian_finds_no_error_and_every_override_is_needed(package: Path) -> None:
    command = ["lintian", "--fail-on", "error", "--display-info", "--allow-root", str(package)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "unused-override" not in ran.stdout


@pytest.mark.timeout(600)
def test_the_files_that_the_manual_sends_you_to_lie_among_the_examples(package: Path) -> None:
    listed = subprocess.run(["dpkg-deb", "--contents", str(package)], capture_output=True, text=True, check=True).stdout
    found = {line.rpartition("/examples/")[2] for line in listed.splitlines() if "/doc/reminderd/examples/" in line}
    wanted = {".env.example", "alerts.yml", "nginx.conf", "reminderd-once.service", "reminderd-once.timer"}
    assert wanted <= {name.removesuffix(".gz") for name in found}


@pytest.mark.timeout(600)
def test_every_command_has_its_manual_page(installed: Machine) -> None:
    assert "reminderd service install" in installed.run("man", "reminderd-service")
    found = installed.run("sh", "-c", "cd /usr/share/man/man1 && ls reminderd*.1.gz").split()
    assert found == sorted(["reminderd.1.gz", *(f"reminderd-{name}.1.gz" for name in COMMANDS)])


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("shell", "script"), COMPLETING.items())
def test_a_shell_completes_its_commands(installed: Machine, shell: str, script: str) -> None:
    need(shell)
    assert installed.run(shell, "-c", script).split() == ["service"]


@pytest.mark.timeout(600)
def test_it_installs_upgrades_removes_and_purges_cleanly(machine: Machine, package: Path) -> None:
    install = ("dpkg", "--install", f"/opt/packages/{package.name}")
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
