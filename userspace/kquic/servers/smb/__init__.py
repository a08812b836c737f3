# SPDX-License-Identifier: GPL-2.0-or-later
"""An SMB 3.1.1 server in Python over QUIC and TCP, for tests: small, readable, and it misbehaves when told to.

NTLM, signing with AES-CMAC, encryption with AES-128-GCM, leases, byte-range locks; no oplocks, no ACLs, no durable
handles, no further channels. `kquic serve smb DIR` runs it.
"""

from .script import Action, Fault, Script
from .server import SmbServer
from .session import Security

__all__ = ["Action", "Fault", "Script", "Security", "SmbServer"]
