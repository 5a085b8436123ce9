"""The Dockerfile and the compose file without Docker: the wheel they build, and every command in them, run for real."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.mail import address, send
from tests.harness.postgres import Postgres
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import sampled
from tests.harness.waiting import wait_until

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
COMPOSE_TEXT = (ROOT / "docker/compose.yaml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "notify-relay"}
OWNER = ("relay", "POSTGRES_PASSWORD")
USERS = dict.fromkeys(("schema", "upgrade", "cli"), OWNER) | {
    role: (f"relay_{role}", f"{role.upper()}_DATABASE_PASSWORD")
    for role in ("smtp", "http", "site", "worker", "feedback")
}
STATE = "/var/lib/notify-relay"


def instructions() -> list[tuple[str, str]]:
    """The last stage, as (instruction, arguments)."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
    every = [(line.split(" ")[0], line.partition(" ")[2].strip()) for line in lines if line.strip()]
    start = max(number for number, (name, _) in enumerate(every) if name == "FROM")
    return every[start:]


def arguments_of(name: str) -> str:
    (found,) = [arguments for each, arguments in instructions() if each == name]
    return found


def image_environment() -> dict[str, str]:
    return dict(part.split("=", 1) for part in arguments_of("ENV").split())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the Dockerfile's command, from what .dockerignore lets through."""
    source, wheels = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            path = ROOT / line[1:]
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, source / path.name)
    (command,) = re.findall(r"python (-m pip wheel --no-deps [^\n\\]+)", DOCKERFILE)
    command = command.replace("/wheels", str(wheels))
    subprocess.run([sys.executable, *command.split(), "--quiet"], cwd=source, check=True)
    (built,) = wheels.glob("notify_relay-*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed apart from the checkout."""
    target = tmp_path_factory.mktemp("site")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run([sys.executable, *install], check=True)
    return target


@pytest.fixture
def container(tmp_path: Path, site: Path, make_relay: Callable[..., Relay]) -> Callable[..., Relay]:
    """A relay as the image runs it: its environment (ports of our own), the installed wheel, a folder of its own."""

    def run(name: str, **environment: str) -> Relay:
        variables = image_environment() | environment
        settings = {
            key.removeprefix("NOTIFY_RELAY_"): value.replace(STATE, str(tmp_path / name))
            for key, value in variables.items()
            if key.startswith("NOTIFY_RELAY_") and "LISTEN" not in key
        }
        relay = make_relay(name, **settings)
        relay.environment["PYTHONPATH"] = str(site)
        return relay

    return run


def service_environment(name: str, values: dict[str, str], database_url: str) -> dict[str, str]:
    """A compose service's environment, its ${VARIABLES} filled in and its database replaced by ours."""

    def fill(match: re.Match[str]) -> str:
        return values.get(match[1]) or match[2] or ""

    given = OURS[name]["environment"]
    filled = {key: re.sub(r"\$\{(\w+):(?:\?|-([^}]*))\}", fill, value) for key, value in given.items()}
    assert "${" not in "".join(filled.values())
    user, password = USERS[name]
    assert filled["NOTIFY_RELAY_DATABASE_URL"] == f"postgresql+asyncpg://{user}:{values[password]}@database/relay"
    return filled | {"NOTIFY_RELAY_DATABASE_URL": database_url.replace("//relay@", f"//{user}@")}


def command_of(service: str) -> list[Any]:
    program, *arguments = OURS[service]["command"]
    assert program == "notify-relay"
    return arguments


def test_wheel_holds_the_program_and_its_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        *("messages", "auth", "relay", "delivery", "config", "migrations")
    }
    assert {
        "config/branding/footer.html.j2",
        "config/locale/fr/LC_MESSAGES/notify-relay.po",
        "relay/http/pages/page.html",
        "relay/http/pages/style.css",
        "relay/http/pages/chapters/start.fr.md",
        "relay/http/pages/replies.html",
        "relay/site/layout.html",
        "relay/site/public/start.html",
        "relay/site/static/site.css",
        "relay/site/static/site.js",
        "migrations/script.py.mako",
        "migrations/versions/0001_first_tables.py",
    } <= set(names)
    assert not [name for name in names if "__pycache__" in name]


def test_installed_wheel_is_what_runs(site: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import config, delivery, relay; print(relay.__file__)"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith(str(site))


def test_image_is_unprivileged_and_holds_no_build_tools() -> None:
    stage = dict(instructions())

    assert arguments_of("USER") == "notify-relay"
    assert [arguments for name, arguments in instructions() if name == "COPY"] == [
        "--from=build /opt/notify-relay /opt/notify-relay"
    ]
    assert "pip uninstall" in stage["RUN"]
    assert "ensurepip" in stage["RUN"]
    assert "apt-get" not in DOCKERFILE
    for file in re.findall(r"--require-hashes -r (\S+)", DOCKERFILE):
        assert "--hash=sha256:" in (ROOT / file).read_text()


def test_image_serves_and_its_health_check_tells_so(container: Callable[..., Relay]) -> None:
    assert json.loads(arguments_of("CMD")) == ["notify-relay", "serve"]
    relay = container("image")
    check = json.loads(arguments_of("HEALTHCHECK").partition("CMD ")[2])
    check = [sys.executable, *check[1:-1], check[-1].replace("9464", str(relay.metrics_port))]

    before = subprocess.run(check, capture_output=True).returncode
    relay.start(afresh=True)  # with the image's modules
    key = relay.create_key()
    send(relay, key, address())
    after = subprocess.run(check, capture_output=True).returncode

    assert before != 0
    assert after == 0
    wait_until(lambda: list((relay.folder / "outbox").glob("*.json")))
    assert {path.name for path in relay.folder.iterdir()} >= {"relay.db", "secret.key", "sealing.key", "tls.crt"}


def made_passwords() -> dict[str, str]:
    """By the comments of the compose file, each another."""
    (secret,) = re.findall(r"#   (secret\(\) .+)", COMPOSE_TEXT)
    names = re.findall(r"(\w+_PASSWORD)=\$\(secret\)", COMPOSE_TEXT)
    made = {
        name: subprocess.run(["sh", "-c", f"{secret}; secret"], capture_output=True, text=True, check=True).stdout
        for name in names
    }
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in made.values())  # stands in a URL as it is
    assert len(set(made.values())) == len(names) == 7
    return made


# By default its commands and environments; that the installed wheel is enough for a process is the test above.
@pytest.mark.parametrize("afresh", sampled([True, False], lambda at: at == 1), ids=["as the image", "forked"])
def test_compose_file_runs_as_it_says(
    container: Callable[..., Relay], postgres: Postgres, postgres_url: str, afresh: bool
) -> None:
    make_secret = re.findall(r"export (NOTIFY_RELAY_\w+)=\$\((.+?)\)", COMPOSE_TEXT)
    values = {
        name: subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.strip()
        for name, command in make_secret
    } | made_passwords()
    postgres.create_users(postgres_url)
    machines = {name: container(name, **service_environment(name, values, postgres_url)) for name in OURS}
    assert all(len(base64.b64decode(values[name])) == 32 for name, _ in make_secret)

    def run(name: str) -> subprocess.CompletedProcess[str]:
        arguments = command_of(name)
        return machines[name].run_afresh(*arguments) if afresh else machines[name].run(*arguments, check=False)

    too_early, upgraded, granted = (run(each) for each in ("worker", "schema", "upgrade"))
    create, create_key = re.findall(r"run --rm cli notify-relay (.+)", COMPOSE_TEXT)
    service = machines["cli"].json(*create.split())
    made = machines["cli"].json(*create_key.replace("ID", str(service["id"])).split())
    shown = (str(made[each]) for each in ("id", "service_id", "smtp_username", "smtp_password", "api_key"))
    key = Credentials(*shown)
    machines["smtp"].start(*command_of("smtp")[1:], afresh=afresh)
    for name in ("http", "site", "worker", "feedback"):
        machines[name].start(*command_of(name)[1:], afresh=afresh)
    send(machines["smtp"], key, address())

    assert too_early.returncode == 1
    assert "db upgrade" in too_early.stderr
    assert upgraded.returncode == 0, upgraded.stderr
    assert granted.returncode == 0, granted.stderr
    wait_until(lambda: list((machines["worker"].folder / "outbox").glob("*.json")))
    assert {name for name in OURS if "NOTIFY_RELAY_SEALING_KEY" in OURS[name]["environment"]} == {"cli", "worker"}
    given = [OURS[name]["environment"] for name in ("smtp", "http", "site", "worker", "feedback")]
    for setting in ("EMAIL__PROVIDER", "HTTP__PUBLIC_URL"):  # doors and workers go by the same
        assert len({each[f"NOTIFY_RELAY_{setting}"] for each in given}) == 1
    for name in ("http", "site", "feedback"):
        assert machines[name].get("/readyz")[0] == 200


def test_compose_file_mounts_what_is_there_and_publishes_the_images_ports() -> None:
    sources = [
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith(".")
    ]
    inside = {port.split(":")[1] for port in OURS["smtp"]["ports"]}

    assert sources
    assert all((ROOT / "docker" / source).exists() for source in sources)
    assert inside < set(arguments_of("EXPOSE").split())
    assert {value.rpartition(":")[2] for key, value in image_environment().items() if "LISTEN" in key} == set(
        arguments_of("EXPOSE").split()
    )


def test_each_role_of_the_compose_file_gets_what_it_needs_and_the_database_its_users() -> None:
    given = {name: service["environment"].keys() for name, service in OURS.items()}
    aws = {"NOTIFY_RELAY_AWS__REGION", "NOTIFY_RELAY_AWS__SNS_ENDPOINT_URL", "AWS_SECRET_ACCESS_KEY"}
    tls = {"NOTIFY_RELAY_TLS__CERT_FILE", "NOTIFY_RELAY_TLS__KEY_FILE"}
    database = COMPOSE["services"]["database"]

    assert {name for name, names in given.items() if aws <= names} == {"cli", "worker", "feedback"}
    assert {name for name, names in given.items() if aws & names} == {"cli", "worker", "feedback"}
    assert {name for name, names in given.items() if tls <= names} == {"smtp"}
    assert "${TLS_DIR:-tls}:/tls:ro" in OURS["smtp"]["volumes"]
    assert OURS["feedback"]["ports"] == ["127.0.0.1:8081:8081"]
    assert {password for _, password in USERS.values()} <= database["environment"].keys()
    assert [each for each in database["volumes"] if each.startswith("./database-users.sh:/docker-entrypoint-initdb.d/")]
    assert OURS["cli"]["profiles"] == ["cli"]  # `up` does not start what holds every secret
    assert OURS["upgrade"]["depends_on"] == {"schema": {"condition": "service_completed_successfully"}}
