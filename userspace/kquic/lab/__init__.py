# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab: a patched kernel, a guest image, and commands run in them."""
