"""Several steps in one file: `[stage.NAME]` tables, run in order."""
