"""Where settings become parts: the root secrets, the database, the certificate."""

import contextlib
import os
import time
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from auth import presence, roots
from config.database import Database
from config.keyring import Keyring, KeyringError
from config.settings import OF_SETTING, PREFIX, Settings, SettingsError
from delivery import schema
from delivery.library.letterheads import PATH, Letterheads
from relay import private, self_signed
from relay.tls import Certificates


def secret_keyring(settings: Settings) -> Keyring:
    """The root of key secrets and contents. Raises SettingsError."""
    return _keyring("SECRET_KEY", _text(settings, "SECRET_KEY", settings.secret_key, "secret.key"))


def sealing_keyring(settings: Settings) -> Keyring:
    """The root of DKIM private keys: workers and domain commands only. Raises SettingsError."""
    return _keyring("SEALING_KEY", _text(settings, "SEALING_KEY", settings.sealing_key, "sealing.key"))


def resolved(settings: Settings, *, sealing: bool) -> Settings:
    """The settings with the root secrets in them, wherever they come from; the sealing key as far as it is needed.

    Raises SettingsError.
    """
    secret_key = SecretStr(_text(settings, "SECRET_KEY", settings.secret_key, "secret.key"))
    sealing_key = SecretStr(_text(settings, "SEALING_KEY", settings.sealing_key, "sealing.key")) if sealing else None
    return settings.model_copy(update={"secret_key": secret_key, "sealing_key": sealing_key})


def exposed_files(settings: Settings) -> list[Path]:
    """The files with secrets that others on this machine can read."""
    state, named = settings.state_dir, (settings.database_url_file, settings.secret_key_file, settings.sealing_key_file)
    files = [*filter(None, named), state / "secret.key", state / "sealing.key", *settings.tls.key_file]
    if (config := os.environ.get(f"{PREFIX}CONFIG")) and _holds_secrets(Path(config)):
        files.append(Path(config))
    return [file for file in files if private.is_open_to_others(file)]


def _holds_secrets(config: Path) -> bool:
    found = {name.lower(): value for name, value in tomllib.loads(config.read_text()).items()}
    try:
        with_password = make_url(str(found.get("database_url", "sqlite://"))).password is not None
    except ArgumentError:  # the environment has another one: what this is, nobody has looked at
        with_password = True
    return with_password or not found.keys().isdisjoint({"secret_key", "sealing_key"})


def load_keyrings(settings: Settings) -> tuple[Keyring, Keyring]:
    """Secret and sealing keyring."""
    return secret_keyring(settings), sealing_keyring(settings)


def _keyring(name: str, text: str) -> Keyring:
    try:
        return Keyring.parse(text)
    except KeyringError as error:
        raise SettingsError(OF_SETTING, name=PREFIX + name, problem=error.text) from None


def _text(settings: Settings, name: str, given: SecretStr | None, file_name: str) -> str:
    if given is not None:
        return given.get_secret_value()
    return _made_on_first_start(settings, PREFIX + name, settings.state_dir / file_name)


def _made_on_first_start(settings: Settings, name: str, path: Path) -> str:
    if not path.exists() and not settings.is_sqlite:
        # Several machines on one PostgreSQL must share it: a key made here would lock the others out.
        raise SettingsError(
            "{name} is not set: base64 of 32 random octets, the same for every process on this database", name=name
        )
    if not path.exists():
        with contextlib.suppress(FileExistsError):  # another process was quicker
            private.write_new(path, Keyring.generate().encode() + b"\n")
    return path.read_text().strip()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, with the newest schema on SQLite. Raises SettingsError when PostgreSQL's is older."""
    database = Database(settings.database_url)
    try:
        if not await schema.is_current(database):
            if not settings.is_sqlite:
                raise SettingsError("the database's schema is not this version's: run `notify-relay db upgrade`")
            await schema.upgrade(database)
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_ses(settings: Settings) -> AsyncIterator[Any]:
    """A client of SES, for questions. Raises a SendError where none can be made."""
    from delivery.providers.aws import open_client  # takes long to import, and few commands need it

    async with open_client("sesv2", settings.aws, 1) as client:
        yield client


def load_letterheads(settings: Settings) -> Letterheads:
    """What brandings look like. Raises SettingsError for artwork that cannot be shown."""
    base_url = f"{settings.http.public_url}{PATH}" if settings.branding.images == "link" else None
    return Letterheads(settings.branding.dir, base_url, settings.branding.names)


@asynccontextmanager
async def announced(settings: Settings, database: Database, role: str, *, sealing: bool = False) -> AsyncIterator[None]:
    """As auth.presence has it; then looks whether its roots are still the ones: in this order, for `secrets rotate`.

    Raises SettingsError.
    """
    read = {"secret": secret_keyring(settings)} | ({"sealing": sealing_keyring(settings)} if sealing else {})
    async with presence.announced(database, role, read, time.time):
        await check_roots(settings, database, sealing=sealing)
        yield


async def unproved_roots(settings: Settings, database: Database, *, sealing: bool = True) -> dict[str, Keyring]:
    """The root secrets of which the database holds no proof. A read.

    Raises SettingsError when it was made with others.
    """
    keyrings = {"secret": secret_keyring(settings)} | ({"sealing": sealing_keyring(settings)} if sealing else {})
    async with database.read() as connection:
        proofs = await roots.load(connection)
    found = {}
    for name, keyring in keyrings.items():
        with _naming(name):
            if name in proofs:
                roots.check(name, keyring, proofs[name])
            else:
                found[name] = keyring
    return found


async def check_roots(settings: Settings, database: Database, *, sealing: bool = True) -> None:
    """Leaves proofs where they are missing.

    Raises SettingsError when the root secrets are not those that this database was made with.
    """
    for name, keyring in (await unproved_roots(settings, database, sealing=sealing)).items():
        with _naming(name):
            async with database.write() as connection:
                await roots.leave(connection, name, keyring)


@contextlib.contextmanager
def _naming(root: str) -> Iterator[None]:
    try:
        yield
    except KeyringError as error:
        raise SettingsError(OF_SETTING, name=f"{PREFIX}{root.upper()}_KEY", problem=error.text) from None


def load_certificates(settings: Settings) -> Certificates:
    """What the SMTP listeners serve; made by ourselves where nothing is set. Raises SettingsError."""
    tls = settings.tls
    if len(tls.cert_file) != len(tls.key_file):
        raise SettingsError(
            "NOTIFY_RELAY_TLS__CERT_FILE and NOTIFY_RELAY_TLS__KEY_FILE belong together: one key for each certificate"
        )
    pairs = list(zip(tls.cert_file, tls.key_file, strict=True))
    return Certificates(pairs or [self_signed.ensure(settings.state_dir, settings.smtp.hostname)])
