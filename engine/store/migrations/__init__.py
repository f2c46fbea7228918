"""The ways between schemas, as Alembic takes them: `versions/v4.py` leads to schema 4 and back.

A new one: raise `VERSION` in `engine/store/schema.py`, change the tables there, and add a module here whose `revision` is that number
and whose `down_revision` is the one before. The tests compare what the ways lead to with the tables, on every database.
"""
