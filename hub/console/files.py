"""The files below `web/` as answers: read once, compressed once, recognized by their ETag."""

import gzip
import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import Final

from msgspec import Struct

_HERE: Final = Path(__file__).resolve()
FOLDERS: Final = (_HERE.parent / "static", _HERE.parents[2] / "web")
"""Where they lie: inside an installed package, or beside the packages of a checkout."""

_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_IMPORT_MAP: Final = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)
_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "worker",
}


class File(Struct, frozen=True):
    """One file: its bytes, the same compressed, and what is said about it in headers."""

    body: bytes
    compressed: bytes
    media_type: str
    etag: str
    policy: str | None
    """The Content-Security-Policy of a page; None for what is loaded by one."""


def load() -> dict[str, File]:
    """Every file that may be served, by its path below `web/`. Raises FileNotFoundError where the folder is missing."""
    folder = next((folder for folder in FOLDERS if folder.is_dir()), None)
    if folder is None:
        raise FileNotFoundError(f"the pages are missing: {FOLDERS[-1]}")
    paths = (path for path in sorted(folder.rglob("*")) if path.suffix in _MEDIA_TYPES)
    return {path.relative_to(folder).as_posix(): file_of(path.name, path.read_bytes()) for path in paths}


def file_of(name: str, body: bytes) -> File:
    """The file of that name, which must be of a kind that is served, and content."""
    return File(
        body=body,
        compressed=gzip.compress(body, mtime=0),
        media_type=_MEDIA_TYPES[Path(name).suffix],
        etag=f'W/"{hashlib.sha256(body).hexdigest()[:24]}"',
        policy=policy(body) if name.endswith(".html") else None,
    )


def policy(page: bytes) -> str:
    """What the page may load and do: scripts and styles of this hub, no address outside, nobody's frame.

    An import map has to stand in the page itself, so it is permitted by its hash.
    """
    maps = [f"'sha256-{b64encode(hashlib.sha256(text).digest()).decode()}'" for text in _IMPORT_MAP.findall(page)]
    rules = _POLICY | {"script-src": " ".join([_POLICY["script-src"], *maps])}
    return "; ".join(f"{name} {value}" for name, value in rules.items())
