# SPDX-License-Identifier: GPL-2.0-or-later
"""Configuration files of servers."""

from __future__ import annotations

import json

from .task import Task

_NGINX = """\
daemon off; user root; pid {dir}/pid; error_log stderr notice; worker_processes 1;
events {{ }}
http {{
    access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    server {{
        listen {host}:{port} quic; http3 on; http3_hq on; quic_gso on; quic_retry {retry}; ssl_early_data on;
        keepalive_requests 10000; client_max_body_size 20m; {dav}
        ssl_certificate {cert}; ssl_certificate_key {key}; root {root};
    }}
}}
"""
_HAPROXY = """\
global
    limited-quic
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 10s
frontend all
    bind {bind}:{port} ssl crt {dir}/both.pem alpn h3 allow-0rtt {retry}
    default_backend files
backend files
    server one 127.0.0.1:{behind}
"""
#: The TCP port of the server behind a proxy.
BEHIND = 8080


def _host(task: Task) -> str:
    return f"[{task.address}]" if ":" in task.address else task.address


def nginx(task: Task) -> str:
    """nginx.conf."""
    retry = "on" if "retry" in task.words else "off"
    root, dav = (task.out, "dav_methods PUT;") if "upload" in task.words else (task.root, "")
    return _NGINX.format(
        dir=task.folder, host=_host(task), port=task.port, retry=retry, cert=task.cert, key=task.key, root=root, dav=dav
    )


def haproxy(task: Task) -> str:
    """haproxy.cfg."""
    bind = f"quic6@{task.address}" if ":" in task.address else f"quic4@{task.address}"
    retry = "quic-force-retry" if "retry" in task.words else ""
    return _HAPROXY.format(bind=bind, port=task.port, dir=task.folder, retry=retry, behind=BEHIND)


def caddy(task: Task) -> str:
    """caddy.json: no names of its own, no certificates from elsewhere, HTTP/3 on the one port."""
    handler: dict[str, object] = {"handler": "file_server", "root": str(task.root)}
    if "upload" in task.words:
        handler = {"handler": "reverse_proxy", "upstreams": [{"dial": f"127.0.0.1:{BEHIND}"}]}
    server = {
        "listen": [f"{_host(task)}:{task.port}"],
        "routes": [{"handle": [handler]}],
        "automatic_https": {"disable": True},
        "tls_connection_policies": [{}],
        "protocols": ["h1", "h2", "h3"],
    }
    tls = {"certificates": {"load_files": [{"certificate": str(task.cert), "key": str(task.key)}]}}
    apps = {"http": {"servers": {"one": server}}, "tls": tls}
    return json.dumps({"admin": {"disabled": True}, "storage": _caddy_storage(task), "apps": apps})


def _caddy_storage(task: Task) -> dict[str, str]:
    return {"module": "file_system", "root": str(task.folder / "caddy")}


_KNOT = """\
server:
    listen-quic: {address}@{port}
    cert-file: {cert}
    key-file: {key}
    rundir: {dir}
    user: root
database:
    storage: {dir}
log:
  - target: stderr
    any: info
zone:
  - domain: test
    storage: {dir}
    file: test.zone
"""
_ZONE = "test. 60 SOA a.test. b.test. 1 60 60 60 60\ntest. 60 NS a.test.\na.test. 60 A 192.0.2.1\n"


def knot(task: Task) -> str:
    """knot.conf, and a zone beside it."""
    (task.folder / "test.zone").write_text(_ZONE)
    return _KNOT.format(address=task.address, port=task.port, cert=task.cert, key=task.key, dir=task.folder)
