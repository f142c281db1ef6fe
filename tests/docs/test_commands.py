"""Every command that the documentation shows works as shown, typed page by page by somebody at a fresh account."""

from __future__ import annotations

import re
import shlex
from itertools import zip_longest
from pathlib import Path

import click
import pytest

from reminderd.cli.main import COMMANDS, cli, load_command
from tests.docs import settled
from tests.docs.pages import PAGES, ROOT, Block, Command, blocks, commands, prose
from tests.docs.reader import Reader, arguments_of, is_shown, parse

FROM_NOTHING = ("README.md", "install.md", "first-week.md")
"""Pages whose reader has nothing yet. Who reads another one has the story in `settled` behind them."""
PARSED_ONLY = {
    "init": "without a name it asks on a terminal",
    "run": "stays until it is stopped",
    "login": "asks Google or Microsoft, in a browser",
    "service install": "changes the machine's systemd",
    "service status": "asks the machine's systemd",
    "send-test --channel sms": "needs an account at Twilio",
}
"""What begins so is not done here, and why; the command line has to take it all the same."""
OTHERS = {
    "apt-get": "installs packages",
    "createdb": "PostgreSQL's",
    "journalctl": "the machine's journal",
    "make": "its targets are looked up in the Makefile",
    "pg_dump": "PostgreSQL's",
    "pg_restore": "PostgreSQL's",
    "podman": "builds and runs containers",
    "python3": "makes a virtual environment",
    "scp": "goes to another machine",
    "systemctl": "the machine's systemd",
    "pip": "installs from a package index",
}
"""Programs of others that pages name, and why they are not run here."""


@pytest.fixture
def reader(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """At an account of their own, in an empty folder."""
    home = tmp_path / "ada"
    page: Path = request.getfixturevalue("page")
    if page.name in FROM_NOTHING:
        home.mkdir()
    else:
        settled.copy_to(home)
    (home / "here").mkdir()
    monkeypatch.chdir(home / "here")
    return Reader(home)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_can_be_followed_from_top_to_bottom(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        if _is_shell(block):
            listed = list(commands(block))
            for command, next_one in zip_longest(listed, listed[1:]):
                is_code_told = next_one is not None and next_one.text == "echo $?"
                _type(reader, command, f"{page.name}, line {command.line}: {command.text}", is_code_told)
        elif block.language == "toml":
            Path("rules.toml").write_text(block.text, "utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_hides_where_it_is_not_run(page: Path) -> None:
    for block in blocks(page):
        if not _is_shell(block):
            assert not re.search(r"^(\$ |sudo )*(\S*/)?reminderd ", block.text, re.MULTILINE), f"line {block.line}"
    assert not re.search(r"^    +(\$ |sudo )*(\S*/)?reminderd ", prose(page), re.MULTILINE), "indented: fence it"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_options_that_the_text_names_are_there(page: Path) -> None:
    for span in re.findall(r"`(?:sudo )?(reminderd [^`]+)`", prose(page).replace("\n", " ")):
        _look_up(span)


def test_the_make_targets_that_pages_name_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set()
    for page in (*PAGES, ROOT / "CONTRIBUTING.md"):
        named |= set(re.findall(r"`make ([a-z][a-z-]*)", page.read_text("utf-8")))
        for block in blocks(page):
            named |= set(re.findall(r"^(?:\$ )?make ([a-z][a-z-]*)", block.text, re.MULTILINE))
    assert named <= targets, named - targets


def test_no_exception_is_listed_that_no_page_needs() -> None:
    typed = [
        command.text for page in PAGES for block in blocks(page) if _is_shell(block) for command in commands(block)
    ]
    ours = [arguments for text in typed if (arguments := arguments_of(text)) is not None]
    for start in PARSED_ONLY:
        assert any(_is_parsed_only(each) and " ".join(each).startswith(start) for each in ours), start
    assert {_program(text) for text in typed if arguments_of(text) is None} - {"echo"} == OTHERS.keys()


def test_an_answer_is_shown_when_only_days_numbers_and_columns_differ() -> None:
    shown = ("14  Ask Maria   by Thu 26 Nov", "…", "ok … at 0001")
    said = "7  Ask Maria  by tomorrow\nmore\nand more\nok sqlite:~/x at 0002\n"
    assert is_shown(shown, said)
    assert not is_shown(shown, said.replace("Ask", "Thank"))
    assert not is_shown(shown[::2], said)


def test_what_is_only_parsed_is_refused_when_the_command_line_does_not_take_it() -> None:
    parse(["service", "install", "--dry-run"])
    with pytest.raises(click.UsageError):
        parse(["service", "install", "--never-heard-of"])
    with pytest.raises(click.UsageError):
        parse(["service", "reinstall"])


def _type(reader: Reader, command: Command, where: str, is_code_told: bool) -> None:
    if command.text == "echo $?":
        assert command.shown == (str(reader.code),), where
        return
    arguments = arguments_of(command.text)
    if arguments is None:
        assert _program(command.text) in OTHERS, where
        return
    if _is_parsed_only(arguments):
        parse(arguments)
        return
    said = reader.run(arguments)
    is_right = command.shown is None or is_shown(command.shown, said)
    if not is_right or (reader.code != 0 and not is_code_told):
        pytest.fail(f"{where}\n{said}[{reader.code}]", pytrace=False)


def _is_shell(block: Block) -> bool:
    return block.language in ("sh", "console")


def _program(text: str) -> str:
    return Path(shlex.split(text.removeprefix("sudo "))[0]).name


def _is_parsed_only(arguments: list[str]) -> bool:
    words = " ".join(arguments)
    if words == "init" or words.startswith("init "):
        return "--name" not in arguments
    if "--dry-run" in arguments or "--once" in arguments:
        return False
    return any(words == start or words.startswith(f"{start} ") for start in PARSED_ONLY if start != "init")


def _look_up(span: str) -> None:
    """Fails where the command or an option in it does not exist."""
    words = [word for word in re.split(r"\s+", span)[1:] if word not in ("…", "...")]
    options = {name for parameter in cli.params for name in parameter.opts} | {"--help"}
    command: click.Command = cli
    for word in words:
        if word.startswith("-"):
            assert word.partition("=")[0].rstrip(",") in options, span
        elif command is cli and word in COMMANDS:
            command = load_command(word)
        elif isinstance(command, click.Group) and command is not cli:
            assert word in command.commands, span
            command = command.commands[word]
        elif command is cli:
            assert words[0].startswith("-"), span
        options |= {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
