"""Alembic's entry: runs on the connection that control_plane.schema hands over."""

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import SQLModel

from control_plane.database import UtcDateTime


def _render(kind: str, item: object, autogen: AutogenContext) -> str | bool:
    if kind == "type" and isinstance(item, UtcDateTime):
        autogen.imports.add("from control_plane.database import UtcDateTime")
        return "UtcDateTime()"
    return False


def run(connection: Any) -> None:
    """Bring the schema up to date inside the caller's transaction."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=_render,
        compare_type=True,
    )
    context.run_migrations()


run(context.config.attributes["connection"])
