"""The stylesheet and the scripts, each under a name made of its octets: what is named so never changes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
PREFIX = "/assets/"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    octets: bytes
    media_type: str


def url(name: str) -> str:
    """Of a file by its plain name. Raises KeyError where there is none."""
    return PREFIX + _names()[name]


def find(name: str) -> Asset | None:
    """By the name in its URL."""
    return _assets().get(name)


@cache
def _names() -> Mapping[str, str]:
    return {path.name: _fingerprinted(path) for path in sorted(FOLDER.iterdir()) if path.suffix in _TYPES}


@cache
def _assets() -> Mapping[str, Asset]:
    return {made: Asset((FOLDER / name).read_bytes(), _TYPES[Path(name).suffix]) for name, made in _names().items()}


def _fingerprinted(path: Path) -> str:
    return f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}{path.suffix}"
