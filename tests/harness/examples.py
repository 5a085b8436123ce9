"""The code on the pages of the documentation, as a reader copies it, and programs that run it as it stands."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.harness.html import Element, read_html
from tests.harness.node import FOLDER as NODE

_PROGRAMS = {
    "sh": ("sh", ["sh", "-eu"]),
    "python": ("py", [sys.executable]),
    "js": ("cjs", ["node"]),
}

_READERS = {"sh": ["sh", "-n"], "python": [sys.executable, "-m", "py_compile"], "js": ["node", "--check"]}


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of code in one language: `sh`, `python`, `js` or what is not run, such as `json`."""

    language: str
    code: str

    def run(self, folder: Path, **variables: str) -> str:
        """What it prints. Fails where it fails; `variables` are its environment."""
        return self._give_to(_PROGRAMS[self.language][1], folder, variables)

    def read(self, folder: Path) -> None:
        """Fails where it is no code of its language."""
        self._give_to(_READERS[self.language], folder, {})

    def _give_to(self, program: list[str], folder: Path, variables: Mapping[str, str]) -> str:
        file = folder / f"example.{_PROGRAMS[self.language][0]}"
        file.write_text(self.code)
        done = subprocess.run(
            [*program, file],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "NODE_PATH": str(NODE / "node_modules"), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{self.code}\n{done.stdout}{done.stderr}"
        return done.stdout


def examples(page: str) -> list[Example]:
    """All code of a page that is not the example of an answer, in its order."""
    blocks = [
        each for each in read_html(page).tagged("code") if each.attributes.get("class", "").startswith("language-")
    ]
    found = [Example(each.attributes["class"].removeprefix("language-"), _characters(each)) for each in blocks]
    return [each for each in found if each.language in _PROGRAMS]


def calls(url: str) -> list[str]:
    """The names of the calls that have a page, by the contents of the documentation."""
    contents = read_html(requests.get(f"{url}/docs?lang=en", timeout=60).text).at("contents")
    names = [each.attributes["href"].partition("?")[0].rpartition("/")[2] for each in contents.tagged("a")]
    return [name for name in names if "_" in name]


def _characters(element: Element) -> str:
    return "".join(each if isinstance(each, str) else _characters(each) for each in element.children)
