"""How the tables of the catalogue came to be, step by step (Alembic)."""
