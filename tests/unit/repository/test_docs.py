"""Documents say what is: generated parts are current, nothing that the code has is missing, no link leads nowhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.settings import PREFIX, Settings, load
from docs import generate
from relay.processes.reloading import AT_RESTART

ROOT = Path(__file__).parents[3]
PACKAGES = ("messages", "auth", "relay", "delivery", "config", "migrations")
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
OPERATIONS = (ROOT / "docs/operations.md").read_text()


def sources(*folders: str) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            yield path, path.read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_generated_parts_are_current(path: Path) -> None:
    text = path.read_text()

    assert generate.renew(text) == text, "run `make docs`"


def test_every_generated_part_stands_in_a_document() -> None:
    text = "".join(path.read_text() for path in DOCUMENTS)

    assert set(re.findall(r"<!-- generated: ([a-z ]+) -->", text)) == set(generate.PARTS)


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        name, _, anchor = target.partition("#")
        if "://" not in target:
            page = path.parent / name if name else path
            assert page.exists(), target
            assert not anchor or anchor in anchors(page), target


def defaults(value: BaseModel, prefix: str = PREFIX) -> Iterator[tuple[str, str]]:
    for name in type(value).model_fields:
        inner = getattr(value, name)
        if isinstance(inner, BaseModel) and "host" not in type(inner).model_fields:
            yield from defaults(inner, f"{prefix}{name.upper()}__")
        else:
            text = f"{inner:g}" if isinstance(inner, float) else str(inner)
            yield prefix + name.upper(), "-" if inner in (None, ()) else f"`{text}`"


@pytest.mark.usefixtures("no_variables")
def test_operators_guide_lists_every_setting_with_its_default() -> None:
    listed = re.findall(rf"^\| `({PREFIX}\w+)` \| (.+?) \|", OPERATIONS, re.MULTILINE)
    expected = dict(defaults(load())) | {f"{PREFIX}PROCESSES": "number of cores"}

    assert dict(listed) == expected
    assert len(listed) == len(expected)


def test_operators_guide_says_which_settings_need_a_restart() -> None:
    listed = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| .+? \| (reload|restart) \|", OPERATIONS, re.MULTILINE))
    names = {name.removeprefix(PREFIX) for name, _ in defaults(Settings())}

    assert listed.keys() == names
    assert {name for name, at in listed.items() if at == "restart"} == AT_RESTART


def test_settings_named_anywhere_exist() -> None:
    known = {name for name, _ in defaults(Settings())} | {f"{PREFIX}CONFIG", f"{PREFIX}TEST_ALL"}
    texts = [*(path.read_text() for path in DOCUMENTS), (ROOT / "docker/Dockerfile").read_text()]
    texts += [(ROOT / "docker/compose.yaml").read_text()]

    assert {name for text in texts for name in re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", text)} <= known


def test_every_rfc_that_is_cited_is_in_the_index() -> None:
    table = (ROOT / "docs/rfc.md").read_text()
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| (\w+) \| ([^|]*)\|", table, re.MULTILINE)
    cited = {number for _, text in sources(*PACKAGES, "tests") for number in re.findall(r"RFC (\d{3,5})", text)}

    assert cited <= {number for number, _, _ in rows}
    assert {support for _, support, _ in rows} <= {"full", "partial", "not"}
    assert [int(number) for number, _, _ in rows] == sorted({int(number) for number, _, _ in rows})


def test_files_named_in_documents_exist() -> None:
    for path in DOCUMENTS:
        for name in re.findall(rf"`((?:{'|'.join(PACKAGES)}|docs|tests|docker)/[\w./-]+)`", path.read_text()):
            assert (ROOT / name).exists(), f"{path.name}: {name}"


def tree(folder: str) -> str:
    """What the architecture page says of a folder at the root."""
    lines = (ROOT / "docs/architecture.md").read_text().rpartition("## Where to find what")[2]
    found = re.search(rf"^{folder}/.*\n(?:  .*\n)*", lines, re.MULTILINE)
    assert found, folder
    return found[0]


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "migrations"])
def test_every_module_is_in_the_tree_of_the_architecture_page(package: str) -> None:
    for path in (ROOT / package).rglob("[a-z]*.py"):
        assert re.search(rf"\b{path.stem}\b", tree(package)), path.relative_to(ROOT)


def test_every_folder_and_page_is_in_the_tree_of_the_architecture_page() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"architecture.md"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}

    assert {name for name in pages if not name.endswith(".fr.md")} <= set(re.findall(r"[\w-]+\.md", tree("docs")))
    assert folders - {"__pycache__"} <= set(re.findall(r"\w+", tree("tests")))
    assert all(map(tree, (*PACKAGES, "docker", "benchmarks", "requirements")))


def test_every_log_event_is_explained() -> None:
    call = re.compile(r'log\.(?:info|warning|error|critical|log)\(\s*(?:record\.levelno,\s*)?"([a-z_]+\.[a-z_]+)"')
    events = {event for _, text in sources("relay", "delivery", "auth", "config") for event in call.findall(text)}
    section = OPERATIONS.partition("## Log lines")[2].partition("\n## ")[0]
    explained = {
        event for row in re.findall(r"^\| (`[^|]+) \|", section, re.M) for event in re.findall(r"`([a-z_.]+)`", row)
    }
    explained = {event for event in explained if "." in event}

    assert len(events) > 10
    assert explained - {"library.message"} == events - {"library.message"}


def test_both_readmes_have_the_same_shape() -> None:
    def shape(name: str) -> list[str]:
        return re.findall(r"^(#+|```\w*|\|)", (ROOT / name).read_text(), re.MULTILINE)

    assert shape("README.md") == shape("README.fr.md")


def test_version_and_changelog_agree() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert version
    assert re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] == version[1]


def test_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for name in ("README.md", "README.fr.md"):
        for target in re.findall(r"\bmake ([a-z]+)\b", (ROOT / name).read_text()):
            if target not in {"no"}:
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
