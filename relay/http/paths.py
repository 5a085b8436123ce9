"""Which methods the known paths take (RFC 9110 9.3, 15.5.6): asked before a request is looked at any closer."""

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route, compile_path


class Paths:
    """A path without ids in it comes before those with them: `email` is no message's id."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        found: dict[str, set[str]] = {}
        for route in routes:
            if isinstance(route, Route):
                found.setdefault(route.path, set()).update(route.methods or ())
        self._known = [
            (compile_path(path)[0], _told(found[path])) for path in sorted(found, key=lambda path: "{" in path)
        ]

    def methods(self, path: str) -> tuple[str, ...]:
        """Empty: nobody knows the path."""
        return next((methods for regex, methods in self._known if regex.match(path)), ())


def _told(methods: set[str]) -> tuple[str, ...]:
    head = {"HEAD"} if "GET" in methods else set()
    return tuple(sorted({*methods, *head, "OPTIONS"}))
