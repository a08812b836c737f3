# SPDX-License-Identifier: GPL-2.0-or-later
"""Measurements: never part of the tests. `make bench` runs them all in one guest and prints ratios."""
