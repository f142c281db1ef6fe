"""What Alembic runs; the connection comes from `reminderd.store.migrate`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from reminderd.store.tables import Base, UtcDateTime


def _render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """A migration stays what it was, whatever becomes of our own types."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


given = context.config.attributes
context.configure(
    connection=given["connection"],
    target_metadata=Base.metadata,
    render_as_batch=given.get("batch", True),
    render_item=_render_item,
    process_revision_directives=given.get("directives"),
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
