"""The origins that are fetched from: nginx, and one that keeps its clients waiting.

Both serve every address of 127.0.0.0/8, in clear and with TLS, and both count what came.
"""

import contextlib
import os
import pathlib
import pwd
from dataclasses import dataclass

from fetching import process

BODY_BYTES = 100
LARGE_BODY_BYTES = 200 * 1000 * 1000
SYSTEM_CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")

NGINX_CONF = """
daemon off;
worker_processes 1;
worker_rlimit_nofile {descriptors};
{user}
pid {dir}/nginx.pid;
error_log stderr crit;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    default_type text/plain;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    ssl_certificate {dir}/leaf.pem;
    ssl_certificate_key {dir}/leaf.key;
    ssl_session_cache off;
    ssl_session_tickets off;
    allow 127.0.0.0/8;
    deny all;
    server {{
        listen 0.0.0.0:{port} backlog=8192;
        listen 0.0.0.0:{tls_port} ssl http2 backlog=8192;
        location / {{ return 200 "{body}"; }}
        location /once {{ keepalive_timeout 0; return 200 "{body}"; }}
        location /large {{ root {dir}; }}
        location = /status {{ stub_status; }}
    }}
}}
"""


@dataclass
class Origin:
    port: int
    tls_port: int
    control_port: int
    ca_file: pathlib.Path
    counts: object  # what came so far: a dict with accepted and requests, this look left out

    def urls(self, n, path="/", hosts=("127.0.0.1",)):
        return [f"http://{hosts[i % len(hosts)]}:{self.port}{path}?{i}" for i in range(n)]

    def tls_urls(self, n, path="/"):
        return [f"https://127.0.0.1:{self.tls_port}{path}?{i}" for i in range(n)]


def loopback_hosts(n):
    """That many addresses of 127.0.0.0/8, from 127.1.0.1 on."""
    return [f"127.{1 + i // 62500}.{i // 250 % 250}.{1 + i % 250}" for i in range(n)]


def openssl(*words):
    process.run(["openssl", *map(str, words)])


def make_certificates(folder):
    """A CA, trusted next to the system's, and a certificate of its for 127.0.0.1."""
    ca, leaf = folder / "ca.pem", folder / "leaf.pem"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    openssl("req", "-x509", *key, "-subj", "/CN=gatherd bench CA", "-keyout",
            folder / "ca.key", "-out", ca, "-addext", "keyUsage=keyCertSign")
    openssl("req", "-x509", *key, "-subj", "/CN=127.0.0.1", "-CA", ca, "-CAkey",
            folder / "ca.key", "-keyout", folder / "leaf.key", "-out", leaf,
            "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE")
    bundle = folder / "bundle.pem"
    bundle.write_bytes(SYSTEM_CERTIFICATES.read_bytes() + ca.read_bytes())
    return bundle


def nginx_counts(port):
    n_looks = 0

    def counts():
        nonlocal n_looks
        n_looks += 1
        _status, text = process.exchange(port, "GET", "/status")
        accepted, _handled, requests = map(int, text.decode().splitlines()[2].split())
        return {"accepted": accepted - n_looks, "requests": requests - n_looks}

    return counts


def write_conf(folder, port, tls_port, descriptors):
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    conf = folder / "nginx.conf"
    conf.write_text(NGINX_CONF.format(
        dir=folder, port=port, tls_port=tls_port, user=user, body="x" * BODY_BYTES,
        descriptors=descriptors, connections=descriptors - 100))
    return conf


def write_large_body(folder):
    with open(folder / "large", "wb") as file:
        file.truncate(LARGE_BODY_BYTES)


@contextlib.contextmanager
def nginx(core, folder, ca_file, descriptors):
    port, tls_port = process.free_port(), process.free_port()
    conf = write_conf(folder, port, tls_port, descriptors)
    write_large_body(folder)
    argv = process.on_core(core, "nginx", "-e", "stderr", "-p", folder, "-c", conf)
    counts = nginx_counts(port)
    with process.serving(argv, counts, folder / "nginx.log"):
        yield Origin(port, tls_port, port, ca_file, counts)


@contextlib.contextmanager
def held(core, folder, ca_file, program):
    ports = [process.free_port() for _ in range(3)]
    control_port = ports[2]
    argv = process.on_core(core, program, *ports, folder / "leaf.pem", folder / "leaf.key")

    def counts():
        return process.exchange_json(control_port, "GET", "/status")

    with process.serving(argv, counts, folder / "held_origin.log"):
        yield Origin(*ports, ca_file, counts)
