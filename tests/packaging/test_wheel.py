"""The built wheel works outside the checkout, the source archive builds the same one, and neither holds too much."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import reminderd

ROOT = Path(__file__).resolve().parents[2]
FIND_TEMPLATES = (
    "from reminderd.drafts.environment import PACKAGED;"
    "print(next(place for place in PACKAGED if (place / 'drafts' / '_base.j2').is_file()))"
)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return built("wheel", ROOT, tmp_path / "dist")


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    return built("sdist", ROOT, tmp_path / "dist")


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An empty virtual environment outside the checkout."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=True, symlinks=True)
    # The libraries are those of the tests, so that no index is asked. Only the folder is added: the .pth files in it,
    # the one to this checkout among them, have no effect from there.
    site_packages = next((folder / "lib").glob("python*/site-packages"))
    (site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_holds_templates_rules_and_migrations_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    ours = {f"reminderd/{path.relative_to(ROOT)}" for path in (ROOT / "templates").rglob("*") if path.is_file()}
    assert "reminderd/templates/drafts/_base.j2" in ours
    assert ours <= set(names)
    assert {"reminderd/rules/book.toml", "reminderd/py.typed", "reminderd/store/migrations/env.py"} <= set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"reminderd"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_source_archive_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-xzf", sdist], cwd=unpacked, check=True)
    assert {"Makefile", "constraints.txt", ".env.example", "LICENSE", "templates/drafts/_base.j2"} <= set(names)
    assert not [name for name in names if name.startswith((".venv", ".git/", "demo/")) or name == ".env"]
    (source,) = unpacked.iterdir()
    again = built("wheel", source, tmp_path / "again")
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_the_installed_wheel_runs_where_there_is_no_checkout(wheel: Path, environment: Path, tmp_path: Path) -> None:
    install(environment, str(wheel))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = environment / "bin" / "reminderd"
    assert reminderd.__version__ in output_of(program, "--version", cwd=elsewhere)
    assert reminderd.__version__ in output_of(
        environment / "bin" / "python", "-m", "reminderd", "--version", cwd=elsewhere
    )
    listing = output_of(program, "rules", "list", cwd=elsewhere)
    book = tomllib.loads((ROOT / "reminderd" / "rules" / "book.toml").read_text(encoding="utf-8"))
    assert [name for name in book["rules"] if name not in listing] == []
    templates = Path(output_of(environment / "bin" / "python", "-c", FIND_TEMPLATES, cwd=elsewhere))
    assert templates.is_relative_to(environment)


def test_an_editable_install_finds_the_templates_of_the_checkout(environment: Path, tmp_path: Path) -> None:
    install(environment, "--no-build-isolation", "--editable", str(ROOT))
    templates = Path(output_of(environment / "bin" / "python", "-c", FIND_TEMPLATES, cwd=tmp_path))
    assert templates == ROOT / "templates"
    assert not list(environment.glob("lib/python*/site-packages/reminderd/templates")), "copies would go stale"


def built(target: str, source: Path, into: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(into)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
    (archive,) = into.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return archive


def install(environment: Path, *what: str) -> None:
    command = [environment / "bin" / "python", "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", *what]
    subprocess.run(command, cwd=environment, check=True, capture_output=True, text=True)


def output_of(program: Path, *arguments: str, cwd: Path) -> str:
    """What the program says, in an environment with nothing of the tests in it."""
    environ = {"HOME": str(cwd), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    ran = subprocess.run([program, *arguments], cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()
