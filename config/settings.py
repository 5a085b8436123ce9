"""Settings: environment variables, or the same names in a TOML file named by NOTIFY_RELAY_CONFIG.

Read once, by the command in relay.cli; every part receives its slice by constructor.
Names are the outer interface (docs/operations.md lists them): renaming one breaks somebody's deployment.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from config import secret_files
from config.problems import problem
from config.providers import EmailProvider, SmsProvider, SmsTraits, Traits
from config.setting_values import (
    DatabaseUrl,
    Devices,
    Domain,
    Endpoint,
    Files,
    Government,
    Hostname,
    Listen,
    ListenAddress,
    Mailbox,
    Networks,
    Price,
    Product,
    QueueUrl,
    Region,
    Resolvers,
    RootUrl,
    SiteUrl,
    TenantPrefix,
    Topics,
    by_language,
)
from messages.text import Text, TextError

PREFIX = "NOTIFY_RELAY_"
OF_SETTING = "{name}: {problem}"
_FROM_FILES = ("database_url", "secret_key", "sealing_key")  # each may stand in the file that NAME_FILE names


class SettingsError(TextError):
    """A setting that cannot be used: one line that names it. Never holds the value."""


class Slice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Smtp(Slice):
    listen: Listen = ListenAddress(host="127.0.0.1", port=2587)
    listen_tls: Listen = ListenAddress(host="127.0.0.1", port=2465)
    listen_devices: Listen | None = None  # without AUTH and TLS, for what can do neither
    devices: Devices = ()  # networks, and whose key is theirs
    proxy_from: Networks = ()  # balancers that begin each connection with a PROXY header
    hostname: Hostname = "localhost"
    max_message_bytes: int = Field(25 * 1024 * 1024, ge=1024)
    max_recipients: int = Field(100, ge=1)
    max_connections: int = Field(2000, ge=1)  # per process
    max_connections_per_address: int = Field(500, ge=1)  # per process
    max_connections_per_key: int = Field(200, ge=1)  # per process; those that are logged in
    max_bytes_in_transfer: int = Field(256 * 1024 * 1024, ge=1024)  # of all open messages, per process
    login_timeout_seconds: float = Field(60, gt=0)  # from the greeting; where nobody logs in, to the first MAIL
    idle_timeout_seconds: float = Field(300, gt=0)
    session_timeout_seconds: float = Field(3600, gt=0)  # then a session ends between two messages
    bare_lf: Literal["normalise", "refuse"] = "normalise"


class Http(Slice):
    listen: Listen = ListenAddress(host="127.0.0.1", port=8080)
    # Where clients reach it; without it where it listens.
    public_url: RootUrl = Field(default_factory=lambda given: given["listen"].url)
    trusted_proxies: Networks = ()  # whose X-Forwarded-For is believed
    max_connections: int = Field(2000, ge=1)  # per process


class Site(Slice):
    listen: Listen = ListenAddress(host="127.0.0.1", port=8090)
    # The host name that it answers to; without it where it listens, and with plain http on this machine only.
    public_url: SiteUrl = Field(default_factory=lambda given: given["listen"].url, validate_default=True)
    name: Product = "notify-relay"
    contact: Mailbox | None = None  # who reads what people write by the contact page; else it is kept only
    trusted_proxies: Networks = ()  # whose X-Forwarded-For is believed
    max_connections: int = Field(2000, ge=1)  # per process

    @property
    def names(self) -> dict[str, str]:
        """The product's by their language."""
        return by_language(self.name)

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.public_url.startswith("https:")


class Tls(Slice):
    cert_file: Files = ()  # a comma list: the first certificate is for clients that name no host (no SNI)
    key_file: Files = ()  # one for each certificate, in the same order


class Metrics(Slice):
    listen: Listen = ListenAddress(host="127.0.0.1", port=9464)


class Email(Slice):
    provider: EmailProvider = EmailProvider.OUTBOX
    default_domain: Domain = "notification.example.ca"

    @property
    def sms_domain(self) -> str:
        """By SMTP it stands for phones, by their numbers; nobody has a mailbox there."""
        return f"sms.{self.default_domain}"

    @property
    def traits(self) -> Traits:
        """What the provider is like."""
        return self.provider.traits


class Sms(Slice):
    provider: SmsProvider = SmsProvider.OUTBOX
    endpoint_url: Endpoint | None = None
    configuration_set: str | None = None  # of AWS End User Messaging: where what becomes of texts is told
    max_price: Price | None = None  # of one text, in US dollars: AWS refuses one that would cost more

    @property
    def traits(self) -> SmsTraits:
        """What the provider is like."""
        return self.provider.traits


class Dns(Slice):
    resolvers: Resolvers = ()  # empty: the system's
    timeout_seconds: float = Field(5, gt=0, le=30)  # of one question, its repetitions included


class Branding(Slice):
    dir: Path | None = None  # of the government's artwork; what is not there is said in words
    government: Government = "Government of Canada / Gouvernement du Canada"
    images: Literal["link", "cid"] = "link"  # served by the HTTP door, or carried by each message

    @property
    def names(self) -> dict[str, str]:
        """The government's by their language."""
        return by_language(self.government)


class Outbox(Slice):
    dir: Path = Path("var/outbox")


class Aws(Slice):
    region: Region = "ca-central-1"
    endpoint_url: Endpoint | None = None
    configuration_set: str | None = None
    tenant_prefix: TenantPrefix | None = None  # each service has its SES tenant: this, then its id; none: no tenants
    connect_timeout_seconds: float = Field(3, gt=0)
    read_timeout_seconds: float = Field(15, gt=0)
    events_queue_url: QueueUrl | None = None  # SQS: where what SES tells is received
    sns_endpoint_url: Endpoint | None = None  # of SNS and its signing certificates
    sns_topics: Topics = ()  # whose posts are taken; a comma list of ARNs


class Feedback(Slice):
    listen: Listen = ListenAddress(host="127.0.0.1", port=8081)  # SNS posts here, through a proxy with TLS


class Delivery(Slice):
    concurrency: int = Field(32, ge=1, le=1000)  # provider calls at once, per worker process
    lease_seconds: float = Field(60, gt=0)
    unknown_wait_seconds: float = Field(180, ge=0)  # how long an attempt without outcome waits for an event
    retry_base_seconds: float = Field(10, gt=0)
    verify_one_in: int = Field(1000, ge=1)  # signatures checked before they leave


class Callbacks(Slice):
    allow_private: bool = False  # also http, and addresses of private networks and of this machine
    timeout_seconds: float = Field(5, gt=0, le=10)  # of one call; ends within the time that a stopping process has
    concurrency: int = Field(32, ge=4, le=1000)  # calls at once, per process; a quarter of them for one service


class Limits(Slice):
    per_minute: int = Field(3000, ge=1)  # messages a minute and key, unless the key says otherwise
    live_per_day: int = Field(100_000, ge=1)  # emails
    trial_per_day: int = Field(50, ge=1)
    live_texts_per_day: int = Field(1_500, ge=1)  # parts of text messages
    trial_texts_per_day: int = Field(50, ge=1)
    emails_per_year: int = Field(10_000_000, ge=1)  # of a fiscal year
    texts_per_year: int = Field(25_000, ge=1)  # parts


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,  # values are text as the operator wrote it, host:port too, not JSON
        extra="forbid",
        frozen=True,
    )

    database_url: DatabaseUrl = "sqlite+aiosqlite:///var/relay.db"
    database_url_file: Path | None = None
    state_dir: Path = Path("var")  # certificate and keys made on first start
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None
    sealing_key: SecretStr | None = None
    sealing_key_file: Path | None = None
    processes: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    smtp: Smtp = Smtp()
    http: Http = Http()
    site: Site = Site()
    tls: Tls = Tls()
    metrics: Metrics = Metrics()
    email: Email = Email()
    sms: Sms = Sms()
    dns: Dns = Dns()
    branding: Branding = Branding()
    outbox: Outbox = Outbox()
    aws: Aws = Aws()
    feedback: Feedback = Feedback()
    delivery: Delivery = Delivery()
    callbacks: Callbacks = Callbacks()
    limits: Limits = Limits()

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
        if isinstance(env_settings, EnvSettingsSource):
            # Of another version, or for another program: no reason to stay away. `unknown_variables` tells them.
            known = {name.lower() for name in _names(settings_cls)}
            env_settings.env_vars = {name: value for name, value in env_settings.env_vars.items() if name in known}
        return (init_settings, env_settings, *toml)

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, given: dict[str, Any]) -> dict[str, Any]:
        read = {}
        for name in _FROM_FILES:
            file = given.get(f"{name}_file")
            if not isinstance(file, str | Path) or not str(file):
                continue
            setting = f"{PREFIX}{name}_file".upper()
            if name in given:
                both = Text("{name} is set as well: set one of the two", {"name": f"{PREFIX}{name}".upper()})
                raise SettingsError(OF_SETTING, name=setting, problem=both)
            try:
                read[name] = secret_files.read(Path(file))
            except secret_files.SecretFileError as error:
                raise SettingsError(OF_SETTING, name=setting, problem=error.text) from None
        return given | read

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


def _names(model: type[BaseModel], prefix: str = PREFIX) -> Iterator[str]:
    """The variables of all settings."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Slice):
            yield from _names(kind, f"{prefix}{name.upper()}__")
        else:
            yield prefix + name.upper()


def unknown_variables() -> list[str]:
    """Variables with our prefix that no setting of this version reads: misspelt, or of another version."""
    known = {PREFIX + "CONFIG", *_names(Settings)}
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsError: one line that names the setting, never its value."""
    file = os.environ.get(PREFIX + "CONFIG")
    if file and not Path(file).is_file():
        raise SettingsError("{name} names a file that does not exist: {file}", name=f"{PREFIX}CONFIG", file=file)
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + "__".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(OF_SETTING, name=name, problem=problem(first)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError("{file}: not valid TOML: {reason}", file=file, reason=_place(error)) from None
    except UnicodeDecodeError:
        raise SettingsError("{file}: not valid TOML: {reason}", file=file, reason=Text("it is not UTF-8")) from None


def _place(error: tomllib.TOMLDecodeError) -> Text:
    found = re.search(r"at line (\d+), column (\d+)", str(error))
    if found is None:
        return Text("its end is missing")
    return Text("see line {line}, column {column}", {"line": found[1], "column": found[2]})
