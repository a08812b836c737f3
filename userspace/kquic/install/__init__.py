# SPDX-License-Identifier: GPL-2.0-or-later
"""From the lab to real machines: modules for stock kernels, packages, and the machines that prove them."""
