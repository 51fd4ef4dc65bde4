"""A real nginx in front of several hubs, with the configuration that the project recommends."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.hub_process import ROOT, HubProcess, free_port
from tests.support.waiting import eventually_blocking

PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"
RECOMMENDED = ROOT / "docs" / "deploy" / "nginx.conf"
FRAME = """
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/hub.conf;
}}
"""


class Nginx:
    """`url` is where clients go; `log` holds a line for every request."""

    def __init__(self, home: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = home / "access.log"


@contextmanager
def nginx(home: Path, hubs: Sequence[HubProcess]) -> Iterator[Nginx]:
    """The recommended configuration, changed in nothing but ports and paths. Skips where nginx is not installed."""
    if not Path(PROGRAM).exists():
        pytest.skip("nginx is not installed")
    home.mkdir()
    port = free_port()
    (home / "hub.conf").write_text(_adapted(port, home / "access.log", hubs))
    (home / "nginx.conf").write_text(FRAME.format(home=home))
    command: list[str | Path] = [PROGRAM, "-p", home, "-c", home / "nginx.conf", "-e", home / "error.log"]
    process = subprocess.Popen(command)
    try:
        eventually_blocking(lambda: (home / "nginx.pid").exists() and process.poll() is None)
        yield Nginx(home, port)
    finally:
        process.terminate()
        process.wait(10)


def _adapted(port: int, log: Path, hubs: Sequence[HubProcess]) -> str:
    text = RECOMMENDED.read_text()
    servers = "".join(f"    server 127.0.0.1:{hub.port};\n" for hub in hubs)
    text, count = re.subn(r"(    server 127\.0\.0\.1:\d+;\n)+", servers, text)
    assert count == 1, "the upstream of the recommended configuration"
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    return text.replace("/var/log/nginx/hub.log", str(log))
