# SPDX-License-Identifier: GPL-2.0-or-later
"""Sphinx's configuration: the Markdown in here and the docstrings of the Python API as one site (`make site`)."""

from __future__ import annotations

project = "kquic"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["man"]
html_theme = "alabaster"
html_theme_options = {"description": "QUIC in the Linux kernel, SMB and NFS over it", "page_width": "1200px"}
html_copy_source = False
myst_heading_anchors = 3
# Links to files of the repository that are no pages stay links to files.
suppress_warnings = ["misc.highlighting_failure"]
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": False}
