# SPDX-License-Identifier: GPL-2.0-or-later
"""The interop matrix: every other implementation, both roles, the cases of the QUIC interop runner.

`peers` is the table of implementations, `cases` that of cases; `cell` runs one of each on the network of `link`
and judges by what `capture` saw on the wire and by what our end said. `matrix` shows the results.
"""
