"""Temporal action localization: when something happens in a long video, and what."""
