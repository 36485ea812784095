"""Pages without scripts: plain HTML that anybody can read, print and hear, in dark and light."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

STYLE = """
:root { color-scheme: light dark; --ink: #1c1f23; --soft: #565d66; --paper: #f6f6f3; --card: #fff; --line: #d9d9d2;
  --act: #0b5c4a; --on-act: #fff; --bad: #9c1f1f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9ebee; --soft: #a4abb5; --paper: #14171a; --card: #1d2125;
  --line: #343a41; --act: #7fd6be; --on-act: #0b201a; --bad: #ff9d95; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { max-width: 40rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
p, ul { margin: .4rem 0; } ul { padding-left: 1.2rem; } li { margin: .25rem 0; }
.soft { color: var(--soft); } .bad { color: var(--bad); font-weight: 600; }
form { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1.25rem;
  margin-top: 1.5rem; }
label { display: block; margin: .9rem 0 .25rem; font-weight: 600; } label:first-child { margin-top: 0; }
input { width: 100%; font: inherit; padding: .6rem .7rem; color: inherit; background: var(--paper);
  border: 1px solid var(--soft); border-radius: .4rem; }
button { font: inherit; font-weight: 600; margin-top: 1.25rem; padding: .65rem 1.4rem; border: 0; border-radius: .4rem;
  background: var(--act); color: var(--on-act); cursor: pointer; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
@media print { body { background: none; } }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""No scripts at all, and no style but this one."""


def plain_page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A whole page.

    Args:
        title: as text; it is escaped here.
        body: as HTML; what comes from settings and people has to be escaped already.
        status: of the answer.
    """
    html = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": POLICY})


def paragraphs(text: str) -> str:
    """Text of the settings as HTML: escaped, an empty line begins a new paragraph."""
    parts = [part.strip() for part in text.replace("\r\n", "\n").split("\n\n")]
    return "\n".join(f"<p>{'<br>'.join(map(escape, part.splitlines()))}</p>" for part in parts if part)
