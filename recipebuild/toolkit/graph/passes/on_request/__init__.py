"""Exact, and more work: operators that all tables list, spelled out for tools without such a table."""
