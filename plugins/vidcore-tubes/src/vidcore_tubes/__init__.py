"""Tubes: persons in boxes over time. Data sets annotated so, and their evaluation."""
