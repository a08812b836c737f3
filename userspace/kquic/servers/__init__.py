# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers for tests, demonstrations and small use."""

from __future__ import annotations
