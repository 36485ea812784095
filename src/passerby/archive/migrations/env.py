"""Run by Alembic: migrates on the connection that `passerby.archive.database` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from passerby.archive.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
