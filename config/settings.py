"""Settings: environment variables, or the same names in a TOML file named by NOTIFY_RELAY_CONFIG.

Read once, by the command in relay.cli; every part receives its slice by constructor.
Names are the outer interface (docs/operations.md lists them): renaming one breaks somebody's deployment.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from config.problems import problem
from config.providers import EmailProvider, Traits
from messages.text import Text, TextError, clean

PREFIX = "NOTIFY_RELAY_"
OF_SETTING = "{name}: {problem}"

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # RFC 1035 2.3.1, and hosts that begin with a digit
_HOSTNAME = re.compile(rf"(?=.{{1,255}}$){_LABEL}(\.{_LABEL})*")
_DOMAIN = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)+(?!\d+$){_LABEL}")
# What a resolver can be asked for: names of containers have underscores, too. Or an address.
_RESOLVABLE = re.compile(r"(?=.{1,255}$)[\w-]{1,63}(\.[\w-]{1,63})*\.?|[0-9A-Fa-f:.]+(%\w+)?", re.ASCII)
_USERNAME = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}", re.ASCII)
_POSTGRESQL_OPTIONS = frozenset({"host", "port", "ssl", "passfile", "target_session_attrs"})
_MAX_GOVERNMENT = 100  # characters of its name
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


class SettingsError(TextError):
    """A setting that cannot be used: one line that names it. Never holds the value."""


class ProblemError(TextError, ValueError):
    """What is wrong with the value that a validator looks at."""


class Slice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListenAddress(Slice):
    host: str
    port: int = Field(ge=0, le=65535)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _government(value: str) -> str:
    names = [clean(name) for name in value.split("/")]
    if len(names) > 2 or not all(0 < len(name) <= _MAX_GOVERNMENT for name in names):
        raise ProblemError(
            "write its name in English / in French, as in Government of Canada / Gouvernement du Canada, or one name "
            "for both; each has 1 to {limit} characters",
            limit=_MAX_GOVERNMENT,
        )
    return " / ".join(names)


def _listen(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, colon, port = value.strip().rpartition(":")
    if not colon or not port.isdigit():
        raise ProblemError("write it as host:port, for example 127.0.0.1:2587")
    host = host.strip("[]") or "0.0.0.0"  # noqa: S104 - as the operator wrote
    if not _RESOLVABLE.fullmatch(host):
        raise ProblemError("the part before the port is neither a host name nor an address")
    return {"host": host, "port": int(port)}


def _hostname(value: str) -> str:
    if not _HOSTNAME.fullmatch(value):
        raise ProblemError("use letters, digits, hyphens and dots, as in relay.example.ca")
    return value


def _domain(value: str) -> str:
    if not _DOMAIN.fullmatch(value):
        raise ProblemError("use a full domain name, as in notification.example.ca")
    return value.lower()


def _region(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
        raise ProblemError("use a region's code, as in ca-central-1")
    return value


def _endpoint(value: str) -> str:
    unusable = ProblemError("use an http or https URL with a host, as in https://email.example.ca")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port  # reading the port checks it
    except ValueError:
        raise unusable from None
    if parts.scheme not in ("http", "https") or not host or not _RESOLVABLE.fullmatch(host):
        raise unusable
    return value


def _root(value: str) -> str:
    parts = urlsplit(_endpoint(value))
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        # Published clients drop a path, each in another way.
        raise ProblemError("use a URL without a path, as in https://api.example.ca")
    return value if value.endswith("/") else value + "/"


def _networks(value: object) -> object:
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple) or not all(isinstance(each, str) for each in entries):
        return value
    try:
        return tuple(str(ip_network(each.strip(), strict=False)) for each in entries if each.strip())
    except ValueError:
        raise ProblemError("use a comma list of addresses and networks, as in 10.0.0.5, 192.0.2.0/24") from None


def _devices(value: object) -> object:
    """`network=user name`, separated by commas; networks that overlap would leave open whose a device is."""
    entries = [each for each in value.split(",") if each.strip()] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
        return value
    found = []
    for entry in entries:
        network, equals, username = (part.strip() for part in entry.partition("="))
        try:
            if not equals or not _USERNAME.fullmatch(username):
                raise ValueError
            found.append((ip_network(network, strict=False), username))
        except ValueError:
            raise ProblemError(
                "use a comma list of network=user name of a key, as in 10.1.2.0/24=registry-printers-k3j4h5g6"
            ) from None
    for network, _ in found:
        if network.prefixlen == 0:  # nobody would have to log in any more
            raise ProblemError("{network} is everybody: name the networks of the devices only", network=network)
    for (a, _), (b, _) in combinations(found, 2):
        if a.version == b.version and a.overlaps(b):
            raise ProblemError("its networks {a} and {b} overlap: leave one out", a=a, b=b)
    return tuple((str(network), username) for network, username in found)


def _resolvers(value: object) -> object:
    """`address` or `address:port`, separated by commas; an IPv6 address with a port stands in brackets."""
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple) or not all(isinstance(each, str) for each in entries):
        return value
    found = []
    for entry in filter(None, (each.strip() for each in entries)):
        bracketed = re.fullmatch(r"\[(.+)\](?::(\d+))?", entry) or re.fullmatch(r"([^:]+):(\d+)", entry)
        address, port = bracketed.groups() if bracketed else (entry, None)
        try:
            host = str(ip_address(address))
        except ValueError:
            raise ProblemError(
                "use a comma list of addresses, as in 192.0.2.53, 127.0.0.1:5353, [2001:db8::53]:53"
            ) from None
        found.append({"host": host, "port": int(port or 53)})
    return tuple(found)


def _files(value: object) -> object:
    return tuple(each.strip() for each in value.split(",") if each.strip()) if isinstance(value, str) else value


def _queue(value: str) -> str:
    if len(urlsplit(_endpoint(value)).path) < 2:
        raise ProblemError("use the queue's URL, as in https://sqs.ca-central-1.amazonaws.com/123456789012/ses-events")
    return value


def _topics(value: object) -> object:
    topics = [topic.strip() for topic in value.split(",") if topic.strip()] if isinstance(value, str) else value
    if isinstance(topics, list) and not all(isinstance(topic, str) and _TOPIC.fullmatch(topic) for topic in topics):
        raise ProblemError("use a comma list of topics, as in arn:aws:sns:ca-central-1:123456789012:ses-events")
    return topics


def _database(value: str) -> str:
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise ProblemError(
            "not a database URL; escape @ : / in its password as %40 %3A %2F, the port is a number"
        ) from None
    if url.drivername == "sqlite+aiosqlite":
        _check_sqlite(url)
    elif url.drivername == "postgresql+asyncpg":
        _check_postgresql(url)
    else:
        raise ProblemError("use sqlite+aiosqlite:///file or postgresql+asyncpg://user@host/name")
    return value


def _check_sqlite(url: URL) -> None:
    # Several processes share it: what is in the memory of one would be lost to the others.
    if url.host or url.query or not url.database or url.database == ":memory:":
        raise ProblemError("SQLite needs a file, without options: sqlite+aiosqlite:///var/relay.db")


def _check_postgresql(url: URL) -> None:
    if "sslmode" in url.query:
        raise ProblemError("write ssl=require instead of sslmode=require (or another of its modes)")
    if not url.query.keys() <= _POSTGRESQL_OPTIONS:
        raise ProblemError("options can be {words}; take the others off", words=", ".join(sorted(_POSTGRESQL_OPTIONS)))
    if not _SSL_MODES.issuperset(url.normalized_query.get("ssl", ())):
        raise ProblemError("ssl can be {words}", words=", ".join(sorted(_SSL_MODES)))
    try:
        _, options = url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):
        raise ProblemError("host and port cannot be used; a port is a number") from None
    hosts, ports = options.get("host", ()), options.get("port", ())
    for host in [hosts] if isinstance(hosts, str) else hosts:
        if not host.startswith("/") and not _RESOLVABLE.fullmatch(host):  # with a slash: a folder of sockets
            raise ProblemError("its host is neither a host name nor an address")
    for port in [ports] if isinstance(ports, int) else ports:
        if not 1 <= port <= 65535:
            raise ProblemError("its port is not between 1 and 65535")


Listen = Annotated[ListenAddress, BeforeValidator(_listen)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_networks)]
Files = Annotated[tuple[Path, ...], BeforeValidator(_files)]


class Smtp(Slice):
    listen: Listen = ListenAddress(host="127.0.0.1", port=2587)
    listen_tls: Listen = ListenAddress(host="127.0.0.1", port=2465)
    listen_devices: Listen | None = None  # without AUTH and TLS, for what can do neither
    devices: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_devices)] = ()  # networks, and whose key is theirs
    proxy_from: Networks = ()  # balancers that begin each connection with a PROXY header
    hostname: Annotated[str, AfterValidator(_hostname)] = "localhost"
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


def _reached(listen: ListenAddress) -> str:
    """Where this machine reaches a listener; one on all addresses is on loopback, too."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - read, not bound
    return f"http://{ListenAddress(host=host, port=listen.port)}/"


class Http(Slice):
    listen: Listen = ListenAddress(host="127.0.0.1", port=8080)
    # Where clients reach it; without it where it listens.
    public_url: Annotated[str, AfterValidator(_root)] = Field(default_factory=lambda given: _reached(given["listen"]))
    trusted_proxies: Networks = ()  # whose X-Forwarded-For is believed
    max_connections: int = Field(2000, ge=1)  # per process


class Tls(Slice):
    cert_file: Files = ()  # a comma list: the first certificate is for clients that name no host (no SNI)
    key_file: Files = ()  # one for each certificate, in the same order


class Metrics(Slice):
    listen: Listen = ListenAddress(host="127.0.0.1", port=9464)


class Email(Slice):
    provider: EmailProvider = EmailProvider.OUTBOX
    default_domain: Annotated[str, AfterValidator(_domain)] = "notification.example.ca"

    @property
    def traits(self) -> Traits:
        """What the provider is like."""
        return self.provider.traits


class Dns(Slice):
    resolvers: Annotated[tuple[ListenAddress, ...], BeforeValidator(_resolvers)] = ()  # empty: the system's
    timeout_seconds: float = Field(5, gt=0, le=30)  # of one question, its repetitions included


class Branding(Slice):
    dir: Path | None = None  # of the government's artwork; what is not there is said in words
    government: Annotated[str, AfterValidator(_government)] = "Government of Canada / Gouvernement du Canada"
    images: Literal["link", "cid"] = "link"  # served by the HTTP door, or carried by each message

    @property
    def names(self) -> dict[str, str]:
        """The government's by their language; one name stands for both."""
        english, _, french = self.government.partition(" / ")
        return {"en": english, "fr": french or english}


class Outbox(Slice):
    dir: Path = Path("var/outbox")


class Aws(Slice):
    region: Annotated[str, AfterValidator(_region)] = "ca-central-1"
    endpoint_url: Annotated[str, AfterValidator(_endpoint)] | None = None
    configuration_set: str | None = None
    connect_timeout_seconds: float = Field(3, gt=0)
    read_timeout_seconds: float = Field(15, gt=0)
    events_queue_url: Annotated[str, AfterValidator(_queue)] | None = None  # SQS: where what SES tells is received
    sns_endpoint_url: Annotated[str, AfterValidator(_endpoint)] | None = None  # of SNS and its signing certificates
    sns_topics: Annotated[tuple[str, ...], BeforeValidator(_topics)] = ()  # whose posts are taken; a comma list of ARNs


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

    database_url: Annotated[str, AfterValidator(_database)] = "sqlite+aiosqlite:///var/relay.db"
    state_dir: Path = Path("var")  # certificate and keys made on first start
    secret_key: SecretStr | None = None
    sealing_key: SecretStr | None = None
    processes: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    smtp: Smtp = Smtp()
    http: Http = Http()
    tls: Tls = Tls()
    metrics: Metrics = Metrics()
    email: Email = Email()
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

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


def _names(model: type[BaseModel], prefix: str = PREFIX) -> Iterator[str]:
    """The variables of all settings."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Slice) and kind is not ListenAddress:
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
