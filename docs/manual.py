"""Writes the manual pages from the command line itself: `python docs/manual.py FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from reminderd import __version__
from reminderd.cli.main import COMMANDS, cli, load_command

FILES = r"""
.SH FILES
.TP
.I ~/.config/reminderd
\&.env, rules.toml and templates/ of your own; with a system service /etc/reminderd
.TP
.I ~/.local/state/reminderd
the database and the Maildir; with a system service /var/lib/reminderd
.SH EXIT STATUS
.TP
0
done
.TP
1
failed
.TP
2
not understood, or nothing by that name
.TP
75
may work later; nothing was lost
.TP
78
a setting, rule book, template or database schema is wrong
.SH SEE ALSO
.BR systemd.service (5),
.BR journalctl (1)
"""


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


def pages() -> dict[str, str]:
    """Every page, by its file's name: one for the program, one for each command."""
    context = cli.make_context("reminderd", [], resilient_parsing=True)
    found = {"reminderd.1": "\n".join(_program(context)) + FILES}
    for name, (_, about) in COMMANDS.items():
        command = load_command(name)
        lines = [_title(f"reminderd-{name}", about), *_body(command, click.Context(command, context, name), [name])]
        found[f"reminderd-{name}.1"] = "\n".join([*lines, ".SH SEE ALSO", ".BR reminderd (1)", ""])
    return found


def _program(context: click.Context) -> Iterator[str]:
    yield _title("reminderd", "keeps the people who vouch for you warm and thanked")
    yield ".SH SYNOPSIS"
    yield ".B reminderd"
    yield r"[\fIOPTIONS\fR] [\fICOMMAND\fR] [\fIARGS\fR]..."
    yield ".SH DESCRIPTION"
    yield _escaped(cli.help or "")
    yield from _options(cli, context, ".SH OPTIONS")
    yield ".SH COMMANDS"
    for name, (_, about) in COMMANDS.items():
        yield f".TP\n.BR reminderd-{_escaped(name)} (1)\n{_escaped(about)}"


def _body(command: click.Command, context: click.Context, words: list[str]) -> Iterator[str]:
    yield ".SH SYNOPSIS" if len(words) == 1 else ".SS " + _escaped(" ".join(words))
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".B reminderd {_escaped(' '.join(words))}\n{_escaped(usage)}"
    if len(words) == 1:
        yield ".SH DESCRIPTION"
    yield ".PP\n" + _escaped(command.help or "")
    yield from _options(command, context, ".SH OPTIONS" if len(words) == 1 else ".PP")
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _body(below, click.Context(below, context, name), [*words, name])


def _options(command: click.Command, context: click.Context, heading: str) -> Iterator[str]:
    records = [record for one in command.get_params(context) if (record := one.get_help_record(context))]
    if records:
        yield heading
    for names, about in records:
        yield f".TP\n.B {_escaped(names)}\n{_escaped(about)}"


def _title(name: str, about: str) -> str:
    line = f'.TH {name.upper()} 1 "" "reminderd {__version__}" "User Commands"'
    return f"{line}\n.SH NAME\n{_escaped(name)} \\- {_escaped(about.rstrip('.'))}"


def _escaped(text: str) -> str:
    """As troff reads it back: hyphens that can be copied, and no line that looks like a request."""
    plain = text.replace("\b", "").replace("\\", "\\e").replace("-", "\\-")
    lines = [line.strip() for line in plain.strip().splitlines()]
    marked = ["\\&" + line if line.startswith((".", "'")) else line or ".PP" for line in lines]
    return "\n".join(marked)


if __name__ == "__main__":
    main()
