"""For developers: writes a migration from what `tables.py` says now. Read what it wrote before you commit it.

    python -m reminderd.store.migrations.new "what changes"      the next revision
    python -m reminderd.store.migrations.new --again             the newest one anew, while it is unreleased

Afterwards list it in `REVISIONS` in `migrate.py`. No `downgrade`: the way back is the copy made before.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.operations.ops import CreateIndexOp, CreateTableOp
from alembic.script import ScriptDirectory
from sqlalchemy import Column

from reminderd.store import migrate
from reminderd.store.database import Store
from reminderd.store.tables import Base, complete_for_postgres


def main(arguments: list[str]) -> Path:
    """The path of the file written."""
    config = Config()
    config.set_main_option("script_location", str(migrate.FOLDER))
    config.set_main_option("path_separator", "os")
    newest = ScriptDirectory.from_config(config).get_revision("head")
    number, words = int(newest.revision) + 1, " ".join(arguments)
    if arguments == ["--again"]:
        number, words = int(newest.revision), newest.doc
        Path(newest.path).unlink()
    store = Store.memory()
    complete_for_postgres()
    with store.engine.begin() as connection:
        config.attributes |= {"connection": connection, "batch": number > 1, "directives": _add_expression_indexes}
        if number > 1:
            command.upgrade(config, "head")
        made: Any = command.revision(config, words, autogenerate=True, rev_id=f"{number:04}")
    path = Path(made.path)
    path.write_text(re.sub(r" +# ###.*\n", "", path.read_text()))
    return path


def _add_expression_indexes(_: Any, __: Any, scripts: list[Any]) -> None:
    """Alembic leaves out, on SQLite, indexes that hold an expression."""
    found = scripts[0].upgrade_ops.ops
    for made in [operation for operation in found if isinstance(operation, CreateTableOp)]:
        for index in Base.metadata.tables[made.table_name].indexes:
            if not all(isinstance(part, Column) for part in index.expressions):
                found.append(CreateIndexOp.from_index(index))


if __name__ == "__main__":
    print(main(sys.argv[1:]))  # noqa: T201 - a developer's command
