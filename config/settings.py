"""Settings: environment variables, or the same names in a TOML file named by NOTIFY_RELAY_CONFIG.

Read once, in relay.wiring and relay.cli; every part receives its slice by constructor.
Names are the outer interface (docs/operations.md lists them): renaming one breaks somebody's deployment.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PREFIX = "NOTIFY_RELAY_"


class SettingsError(Exception):
    """A setting that cannot be used: one line that names it. Never holds the value."""


class Slice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListenAddress(Slice):
    host: str
    port: int = Field(ge=0, le=65535)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def _listen(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, colon, port = value.strip().rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError("write it as host:port, for example 127.0.0.1:2587")
    return {"host": host.strip("[]") or "0.0.0.0", "port": int(port)}  # noqa: S104 - as the operator wrote


class Smtp(Slice):
    listen: ListenAddress = ListenAddress(host="127.0.0.1", port=2587)
    listen_tls: ListenAddress = ListenAddress(host="127.0.0.1", port=2465)
    hostname: str = "localhost"
    max_message_bytes: int = Field(25 * 1024 * 1024, ge=1024)
    max_recipients: int = Field(100, ge=1)
    max_connections: int = Field(2000, ge=1)  # per process
    max_connections_per_address: int = Field(500, ge=1)  # per process
    max_bytes_in_transfer: int = Field(256 * 1024 * 1024, ge=1024)  # of all open messages, per process
    idle_timeout_seconds: float = Field(300, gt=0)
    bare_lf: Literal["normalise", "refuse"] = "normalise"

    _parse = field_validator("listen", "listen_tls", mode="before")(_listen)


class Tls(Slice):
    cert_file: Path | None = None
    key_file: Path | None = None


class Metrics(Slice):
    listen: ListenAddress = ListenAddress(host="127.0.0.1", port=9464)

    _parse = field_validator("listen", mode="before")(_listen)


class Email(Slice):
    provider: Literal["outbox", "ses"] = "outbox"
    default_domain: str = "notification.example.ca"


class Outbox(Slice):
    dir: Path = Path("var/outbox")


class Aws(Slice):
    region: str = "ca-central-1"
    endpoint_url: str | None = None
    configuration_set: str | None = None
    connect_timeout_seconds: float = Field(3, gt=0)
    read_timeout_seconds: float = Field(15, gt=0)


class Delivery(Slice):
    concurrency: int = Field(32, ge=1, le=1000)  # provider calls at once, per worker process
    lease_seconds: float = Field(60, gt=0)
    unknown_wait_seconds: float = Field(180, ge=0)  # how long an attempt without outcome waits for an event
    retry_base_seconds: float = Field(10, gt=0)
    verify_one_in: int = Field(1000, ge=1)  # signatures checked before they leave


class Limits(Slice):
    per_minute: int = Field(3000, ge=1)  # messages a minute and key, unless the key says otherwise
    live_per_day: int = Field(100_000, ge=1)
    trial_per_day: int = Field(50, ge=1)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,  # values are text as the operator wrote it, host:port too, not JSON
        extra="forbid",
        frozen=True,
    )

    database_url: str = "sqlite+aiosqlite:///var/relay.db"
    state_dir: Path = Path("var")  # certificate and keys made on first start
    secret_key: SecretStr | None = None
    sealing_key: SecretStr | None = None
    processes: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    smtp: Smtp = Smtp()
    tls: Tls = Tls()
    metrics: Metrics = Metrics()
    email: Email = Email()
    outbox: Outbox = Outbox()
    aws: Aws = Aws()
    delivery: Delivery = Delivery()
    limits: Limits = Limits()

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
            raise ValueError("use sqlite+aiosqlite:///file or postgresql+asyncpg://user@host/name")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = os.environ.get(PREFIX + "CONFIG")
        toml = (TomlConfigSettingsSource(settings_cls, file),) if file else ()
        return (init_settings, env_settings, *toml)

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


def unknown_variables() -> list[str]:
    """Variables with our prefix that no setting of this version reads: misspelt, or of another version."""
    known = {PREFIX + "CONFIG", *(PREFIX + name.upper() for name in Settings.model_fields)}
    ours = (name for name in os.environ if name.upper().startswith(PREFIX))
    return sorted(name for name in ours if name.upper().split("__")[0] not in known)


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsError: one line that names the setting, never its value."""
    file = os.environ.get(PREFIX + "CONFIG")
    if file and not Path(file).is_file():
        raise SettingsError(f"{PREFIX}CONFIG names a file that does not exist: {file}")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + "__".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: not valid TOML: it is not UTF-8") from None
