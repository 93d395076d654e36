"""The page at `/`: what this is, and where its metrics are."""

from collections.abc import Sequence
from html import escape

from exporters.base.exporter import Door, Exporter
from modelwatch import __version__

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>{question}</p>
<ul>
{links}
</ul>
<p>modelwatch {version}, exporter <code>{name}</code></p>
</body>
</html>
"""

_PATHS = (("/metrics", "metrics"), ("/-/healthy", "healthy"), ("/-/ready", "ready"))


def landing(exporter: Exporter, doors: Sequence[Door]) -> bytes:
    """HTML without scripts and styles; everything that is not ours to write is escaped."""
    links = [f'<li><a href="{path}">{text}</a></li>' for path, text in _PATHS]
    links += [f"<li><code>{escape(door.method)} {escape(door.path)}</code></li>" for door in doors]
    page = _PAGE.format(
        title=escape(exporter.title),
        question=escape(exporter.question),
        links="\n".join(links),
        version=escape(__version__),
        name=escape(exporter.name),
    )
    return page.encode()
