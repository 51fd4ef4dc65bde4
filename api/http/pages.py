"""Small pages for people who follow a link: one style, nothing that runs, nothing that is fetched from elsewhere."""

import hashlib
from base64 import b64encode
from collections.abc import Collection
from html import escape
from typing import Final, Literal

from api.http.reply import Headers

HTML: Final = "text/html; charset=utf-8"
_STYLE: Final = (
    "body{font:1.125rem/1.5 system-ui,sans-serif;max-width:36rem;margin:0 auto;padding:2rem 1rem;"
    "color:#1a1a1a;background:#fff}a{color:#0b4f9e}"
    "fieldset{border:0;margin:0;padding:0}legend{font-weight:700}"
    "label{display:block;padding:.5rem 0}button{font:inherit;padding:.75rem 1.25rem;cursor:pointer}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}a{color:#9ecbff}}"
)
_PAGE: Final = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
{content}</main>
</body>
</html>
"""
_STYLE_HASH: Final = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def page(language: str, heading: str, content: str) -> bytes:
    """The page; `heading` is text, `content` HTML of whole lines."""
    return _PAGE.format(language=language, style=_STYLE, heading=escape(heading), content=content).encode()


def paragraph(text: str) -> str:
    """The text as HTML."""
    return f"<p>{escape(text)}</p>\n"


def headers(forms: Literal["'none'", "'self'"] = "'none'", *, wait: float | None = None) -> Headers:
    """Those of a page: where its forms may lead, and how many seconds to wait before it is asked for again."""
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action {forms}; "
        "frame-ancestors 'none'"
    )
    known: Headers = (
        ("Content-Security-Policy", policy),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Robots-Tag", "noindex"),
        ("Vary", "Accept-Language"),
    )
    return known if wait is None else (*known, ("Retry-After", str(max(1, round(wait)))))


def language(accepted: bytes, spoken: Collection[str]) -> str:
    """The first of a browser's languages that is `spoken`, else English."""
    wanted = (part.partition(";")[0].strip()[:2].lower() for part in accepted.decode("latin-1")[:200].split(","))
    return next((each for each in wanted if each in spoken), "en")
