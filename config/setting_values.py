"""What a setting's value can be: types whose checks say what to write instead. They hold no value in what they say.

Knows neither which settings there are nor where they come from.
"""

import re
from ipaddress import ip_address, ip_network
from itertools import combinations
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from messages.address import Address, AddressError
from messages.text import TextError, clean

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # RFC 1035 2.3.1, and hosts that begin with a digit
_HOSTNAME = re.compile(rf"(?=.{{1,255}}$){_LABEL}(\.{_LABEL})*")
_DOMAIN = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)+(?!\d+$){_LABEL}")
# What a resolver can be asked for: names of containers have underscores, too. Or an address.
_RESOLVABLE = re.compile(r"(?=.{1,255}$)[\w-]{1,63}(\.[\w-]{1,63})*\.?|[0-9A-Fa-f:.]+(%\w+)?", re.ASCII)
_USERNAME = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}", re.ASCII)
_POSTGRESQL_OPTIONS = frozenset({"host", "port", "ssl", "passfile", "target_session_attrs"})
_PRICE = re.compile(r"[0-9]{0,2}\.[0-9]{1,5}", re.ASCII)  # as AWS takes it
_MAX_PRODUCT = 40
_MAX_GOVERNMENT = 100  # characters of its name
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


class ProblemError(TextError, ValueError):
    """What is wrong with the value that a validator looks at."""


class ListenAddress(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: int = Field(ge=0, le=65535)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where this machine reaches it; one on all addresses is on loopback, too."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read, not bound
        return f"http://{ListenAddress(host=host, port=self.port)}/"


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


def _tenant_prefix(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,28}", value, re.ASCII):
        raise ProblemError("use at most 28 letters, digits, hyphens and underscores")
    return value


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


def _site(value: str) -> str:
    """Cookies of a session go over TLS only, but on this machine."""
    root = _root(value)
    parts = urlsplit(root)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ProblemError("use an https URL: plain http is for this machine only, as in http://127.0.0.1:8090")
    return root


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _mailbox(value: str) -> str:
    try:
        return str(Address.parse(value.strip()))
    except AddressError:
        raise ProblemError("use a mail address, as in help@example.ca") from None


def _product(value: str) -> str:
    names = [clean(name) for name in value.split("/")]
    if len(names) > 2 or not all(0 < len(name) <= _MAX_PRODUCT for name in names):
        raise ProblemError(
            "write its name in English / in French, or one name for both; each has 1 to {limit} characters",
            limit=_MAX_PRODUCT,
        )
    return " / ".join(names)


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


def _price(value: str) -> str:
    if not _PRICE.fullmatch(value):
        raise ProblemError("write dollars with a point, as in 0.05; at most two digits before it and five behind")
    return value


def by_language(name: str) -> dict[str, str]:
    """Of "English / French" each by its language; one name stands for both."""
    english, _, french = name.partition(" / ")
    return {"en": english, "fr": french or english}


Listen = Annotated[ListenAddress, BeforeValidator(_listen)]
Resolvers = Annotated[tuple[ListenAddress, ...], BeforeValidator(_resolvers)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_networks)]
Devices = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_devices)]
Topics = Annotated[tuple[str, ...], BeforeValidator(_topics)]
Files = Annotated[tuple[Path, ...], BeforeValidator(_files)]
Hostname = Annotated[str, AfterValidator(_hostname)]
Domain = Annotated[str, AfterValidator(_domain)]
Government = Annotated[str, AfterValidator(_government)]
Region = Annotated[str, AfterValidator(_region)]
TenantPrefix = Annotated[str, AfterValidator(_tenant_prefix)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Price = Annotated[str, AfterValidator(_price)]
RootUrl = Annotated[str, AfterValidator(_root)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
SiteUrl = Annotated[str, AfterValidator(_site)]
Product = Annotated[str, AfterValidator(_product)]
QueueUrl = Annotated[str, AfterValidator(_queue)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
