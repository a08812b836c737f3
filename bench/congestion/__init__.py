# SPDX-License-Identifier: GPL-2.0-or-later
"""Congestion controllers on a bottleneck: goodput, fairness, queue. `make bench-congestion`, docs/congestion.md."""
