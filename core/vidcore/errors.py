"""What can go wrong, sorted by who has to act.

Every message says what is wrong, where, and how to mend it; a caller may show `str(error)` to a user as it is.
"""

from __future__ import annotations


class VidcoreError(Exception):
    """Base of all errors that vidcore raises on purpose."""

    exit_code = 1


class ConfigError(VidcoreError):
    """The experiment file, an override or a command-line value is wrong: edit it and try again."""

    exit_code = 2


class PluginError(VidcoreError):
    """A plugin is missing, broken or in conflict with another: install, update or remove one."""

    exit_code = 2


class DataError(VidcoreError):
    """A video, list or annotation cannot be used: mend or remove the file."""


class WeightsError(VidcoreError):
    """A checkpoint cannot be fetched, read or loaded into this model."""


class RunError(VidcoreError):
    """A run cannot start or go on: its folder is taken, the disk is full, a loss is not finite."""
