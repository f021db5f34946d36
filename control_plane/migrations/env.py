"""Alembic's entry: runs on the connection that control_plane.schema hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from control_plane.database import UtcDateTime


def _render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime):
        autogen.imports.add("from control_plane.database import UtcDateTime")
        return "UtcDateTime()"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
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
