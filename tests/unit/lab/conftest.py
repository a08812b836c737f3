# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the lab's own tests."""

from unit.lab.bench import bench as bench
