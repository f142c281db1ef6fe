"""The container file: as its linter judges it, and what it promises; there is no container to build here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reminderd.cli.main import COMMANDS
from reminderd.settings import rows
from tests.deploy.machine import PROGRAM, ROOT, Machine

FILE = ROOT / "deploy" / "Containerfile"
USER = "10025"


def instructions() -> list[tuple[str, str]]:
    """Each instruction and its words, with continued lines in one."""
    text = re.sub(r"^#.*\n", "", FILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (name, " ".join(words.split()))
        for name, _, words in (line.partition(" ") for line in text.splitlines())
        if name
    ]


def words_of(name: str) -> list[str]:
    return [words for one, words in instructions() if one == name]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for words in words_of("ENV") for pair in words.split())


def test_its_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    ran = subprocess.run([hadolint, FILE], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_every_stage_has_the_same_base_of_one_python_and_one_debian() -> None:
    assert {words.split()[0] for words in words_of("FROM")} == {"${BASE}"}
    (base,) = words_of("ARG")
    assert re.fullmatch(r"BASE=docker\.io/library/python:3\.\d+-slim-[a-z]+", base)


def test_it_runs_as_nobody_special_and_nothing_is_done_after_that() -> None:
    names = [name for name, _ in instructions()]
    assert words_of("USER") == [f"{USER}:{USER}"]
    assert f"--uid {USER} " in words_of("RUN")[-1]
    assert not {"RUN", "COPY", "ADD"} & set(names[names.index("USER") :])


def test_it_takes_along_what_the_program_is_made_of_and_no_secret() -> None:
    taken = {word for words in words_of("COPY") if not words.startswith("--from=") for word in words.split()[:-1]}
    assert taken == {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "reminderd", "templates", "deploy"}
    secrets = {row.name for row in rows() if row.secret}
    assert not secrets & environment().keys()
    assert "ADD" not in {name for name, _ in instructions()}


def test_its_health_is_asked_of_a_command_that_there_is() -> None:
    (check,) = words_of("HEALTHCHECK")
    assert check.endswith('CMD ["reminderd", "health"]')
    assert "health" in COMMANDS
    assert (words_of("ENTRYPOINT"), words_of("CMD")) == (['["reminderd"]'], ['["run"]'])


@pytest.mark.timeout(200)
def test_with_its_environment_the_program_needs_no_folder_but_its_volume(machine: Machine) -> None:
    """On a root that is read-only, /tmp included, as its user, without any capability."""
    (volume,) = words_of("VOLUME")
    machine.run("sh", "-c", words_of("RUN")[-1])
    given = {name: value for name, value in environment().items() if name != "PATH"}
    limits = ("ProtectSystem=strict", f"ReadWritePaths={volume}", "NoNewPrivileges=yes", "CapabilityBoundingSet=")
    jail = ["systemd-run", "--quiet", "--wait", "--pipe", f"--uid={USER}", f"--gid={USER}"]
    jail += [f"--property={limit}" for limit in limits] + [f"--setenv={name}={value}" for name, value in given.items()]
    assert machine.try_run(*jail, "touch", "/tmp/x").returncode != 0
    machine.run(*jail, PROGRAM, "init", "--name", "Ada Byron", "--email", "ada@example.org")
    machine.run(*jail, PROGRAM, "add", "Maria Lopez", "maria@example.org")
    machine.run(*jail, PROGRAM, "landed", "Acme", "--all")
    machine.run(*jail, PROGRAM, "run", "--once")
    machine.run(*jail, PROGRAM, "health")
    assert machine.run("sh", "-c", f"ls {volume}/Maildir/new").split()
