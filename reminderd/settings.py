"""Frozen settings."""

from __future__ import annotations

from reminderd.errors import SettingError

__all__ = ["SettingError"]
