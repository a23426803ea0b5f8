"""Offers no component: `batching`, `pixels` and `views` are for the tasks of other plugins to import."""

from __future__ import annotations

api = 1
