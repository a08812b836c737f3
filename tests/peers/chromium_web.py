# SPDX-License-Identifier: GPL-2.0-or-later
"""Chromium in the interop matrix: it opens a page that fetches files by HTTP/3 (`chromium.html`).

    chromium_web.py --browser "WORDS" --address A --port P --name SERVER --cert CERT --out DIR [--each|--upload] PATH

WORDS are the command that starts the browser. It is told to use QUIC and nothing else for this server, and to believe
the certificate CERT, whose authority it does not know.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PATIENCE = 220.0
#: Virtual milliseconds, which pass only while nothing is being fetched.
BUDGET = 2000


def fingerprint(cert: Path) -> str:
    """Of the public key, as the browser wants it."""
    key = x509.load_pem_x509_certificate(cert.read_bytes()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return base64.b64encode(digest).decode()


def fetch(args: argparse.Namespace, paths: list[str]) -> None:
    """Files by one browser."""
    host = f"[{args.address}]" if ":" in args.address else args.address
    site = f"{args.name}:{args.port}"
    with tempfile.TemporaryDirectory() as profile:
        argv = [*shlex.split(args.browser), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        argv += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
        argv += [f"--user-data-dir={profile}", f"--origin-to-force-quic-on={site}"]
        argv += [f"--host-resolver-rules=MAP {args.name} {host}"]
        argv += [f"--ignore-certificate-errors-spki-list={fingerprint(Path(args.cert))}"]
        asked = ("put:" if args.upload else "") + ",".join(paths)
        argv += [f"--virtual-time-budget={BUDGET}", "--dump-dom", f"https://{site}/chromium.html#{asked}"]
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True)
    shown = re.findall(r'<pre id="([^"]*)" class="20[01]">([^<]*)</pre>', done.stdout)
    print(f"fetched {len(shown)} of {len(paths)}" if shown else done.stdout, flush=True)
    for path, text in [] if args.upload else shown:
        (Path(args.out) / path.lstrip("/")).write_bytes(base64.b64decode(text))


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("browser", "address", "name", "cert", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    for name in ("each", "upload"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("paths", nargs="+")
    args = parser.parse_args()
    for part in [[path] for path in args.paths] if args.each else [args.paths]:
        fetch(args, part)


if __name__ == "__main__":
    main()
