import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.setting_values import ListenAddress
from config.settings import PREFIX, SettingsError, load, unknown_variables

pytestmark = pytest.mark.usefixtures("no_variables")

SetUp = Callable[..., None]


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> SetUp:
    def set_up(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(PREFIX + name, value)

    return set_up


@pytest.fixture
def toml(tmp_path: Path, set_up: SetUp) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "relay.toml"
        path.write_text(text)
        set_up(CONFIG=str(path))
        return path

    return write


def test_nothing_set_gives_one_machine_on_loopback() -> None:
    settings = load()

    assert settings.is_sqlite
    assert settings.email.provider == "outbox"
    assert {settings.smtp.listen.host, settings.smtp.listen_tls.host, settings.metrics.listen.host} == {"127.0.0.1"}
    assert settings.processes == os.cpu_count()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:2587", "127.0.0.1", 2587),
        (":587", "0.0.0.0", 587),
        ("[::1]:587", "::1", 587),
        ("smtp.example.ca:0", "smtp.example.ca", 0),
    ],
)
def test_listen_addresses_are_written_as_host_and_port(set_up: SetUp, text: str, host: str, port: int) -> None:
    set_up(SMTP__LISTEN=text)

    assert load().smtp.listen == ListenAddress(host=host, port=port)


def test_environment_wins_over_the_file_and_keeps_the_rest_of_it(set_up: SetUp, toml: Callable[[str], Path]) -> None:
    toml('[smtp]\nhostname = "file.example.ca"\nmax_recipients = 7\n')
    set_up(SMTP__HOSTNAME="environment.example.ca")
    settings = load()

    assert settings.smtp.hostname == "environment.example.ca"
    assert settings.smtp.max_recipients == 7


def test_empty_variable_counts_as_not_set(set_up: SetUp) -> None:
    set_up(SMTP__MAX_RECIPIENTS="", SECRET_KEY="")

    assert load().smtp.max_recipients == 100
    assert load().secret_key is None


def test_argument_wins_over_everything(set_up: SetUp) -> None:
    set_up(PROCESSES="3")

    assert load(processes=5).processes == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP__LISTEN", "localhost"),
        ("SMTP__LISTEN_TLS", "127.0.0.1:99999"),
        ("SMTP__MAX_RECIPIENTS", "0"),
        ("SMTP__MAX_MESSAGE_BYTES", "25 MiB"),
        ("SMTP__IDLE_TIMEOUT_SECONDS", "-1"),
        ("SMTP__BARE_LF", "keep"),
        ("SMTP__LISTEN", "relay..example.ca:25"),
        ("SMTP__HOSTNAME", "relay example"),
        ("SMTP__HOSTNAME", "relay_1.example.ca"),
        ("SMTP__HOSTNAME", "relay..example.ca"),
        ("SMTP__HOSTNAME", "relay." * 43 + "ca"),
        ("PROCESSES", "0"),
        ("EMAIL__PROVIDER", "carrier pigeon"),
        ("DATABASE_URL", "mysql://secret@database/relay"),
        ("DATABASE_URL", "postgresql+asyncpg:///" + "relay?sslmode=require"),
        ("DATABASE_URL", "postgresql+asyncpg://relay@database/relay?ssl=perhaps"),
        ("DATABASE_URL", "postgresql+asyncpg://relay@database/relay?statement_cache_size=0"),
        ("DATABASE_URL", "postgresql+asyncpg://relay@database:many/relay"),
        ("DATABASE_URL", "postgresql+asyncpg://relay@database:99999/relay"),
        ("DATABASE_URL", "postgresql+asyncpg://relay@data..base/relay"),
        ("DATABASE_URL", "postgresql+asyncpg://relay:p@ss:w@rd@:1:2/relay"),
        ("DATABASE_URL", "postgresql+asyncpg://relay@/relay?host=database:many"),
        ("DATABASE_URL", "sqlite+aiosqlite:///:memory:"),
        ("DATABASE_URL", "sqlite+aiosqlite:///file:relay?mode=memory&uri=true"),
        ("DATABASE_URL", "sqlite+aiosqlite://somewhere/relay.db"),
        ("EMAIL__DEFAULT_DOMAIN", "localhost"),
        ("EMAIL__DEFAULT_DOMAIN", "notification example.ca"),
        ("EMAIL__DEFAULT_DOMAIN", "@example.ca"),
        ("EMAIL__DEFAULT_DOMAIN", "-x.example.ca"),
        ("EMAIL__DEFAULT_DOMAIN", "192.0.2.1"),
        ("EMAIL__DEFAULT_DOMAIN", "a." * 127 + "ca"),
        ("AWS__ENDPOINT_URL", "email.ca-central-1.amazonaws.com"),
        ("AWS__ENDPOINT_URL", "ftp://email.example.ca"),
        ("AWS__ENDPOINT_URL", "https://:443"),
        ("AWS__ENDPOINT_URL", "https://email.example.ca:many"),
        ("AWS__ENDPOINT_URL", "https://[::1"),
        ("HTTP__PUBLIC_URL", "https://api.example.ca/notify"),
        ("HTTP__PUBLIC_URL", "https://user@api.example.ca"),
        ("HTTP__TRUSTED_PROXIES", "10.0.0.0/40"),
        ("HTTP__TRUSTED_PROXIES", "proxy.example.ca"),
        ("SITE__PUBLIC_URL", "http://notify.example.ca"),
        ("SITE__PUBLIC_URL", "http://10.0.0.5:8090"),
        ("SITE__PUBLIC_URL", "https://notify.example.ca/site"),
        ("SITE__NAME", "a / b / c"),
        ("SITE__NAME", "x" * 41),
        ("SITE__CONTACT", "help at example.ca"),
        ("AWS__REGION", "Canada (Central)"),
        ("AWS__REGION", "CA-CENTRAL-1"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_unusable_value_is_told_in_one_line_that_names_the_setting_but_not_the_value(
    set_up: SetUp, name: str, value: str
) -> None:
    set_up(**{name: value})

    with pytest.raises(SettingsError) as told:
        load()

    text = str(told.value)
    assert text.startswith(PREFIX + name)
    assert "\n" not in text
    assert len(value) < 3 or value not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql+asyncpg:///relay"),
        ("DATABASE_URL", "postgresql+asyncpg://relay:p%40ss@[::1]:5432/relay?ssl=verify-full"),
        ("DATABASE_URL", "postgresql+asyncpg://relay@/relay?host=/run/postgresql&port=5433"),
        ("DATABASE_URL", "postgresql+asyncpg://relay@/relay?host=a:5432&host=b:5433&target_session_attrs=primary"),
        ("DATABASE_URL", "sqlite+aiosqlite:////var/lib/notify-relay/relay.db"),
        ("SMTP__HOSTNAME", "relay-1.example.ca"),
        ("AWS__ENDPOINT_URL", "http://127.0.0.1:4566"),
        ("AWS__REGION", "us-gov-west-1"),
    ],
)
def test_usable_value_is_taken_as_written(set_up: SetUp, name: str, value: str) -> None:
    set_up(**{name: value})
    section, _, inner = name.lower().partition("__")
    found = getattr(load(), section)

    assert (getattr(found, inner) if inner else found) == value


@pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///"])
def test_sqlite_needs_a_file(set_up: SetUp, url: str) -> None:
    set_up(DATABASE_URL=url)

    with pytest.raises(SettingsError, match="DATABASE_URL: SQLite needs a file"):
        load()


def test_option_of_another_postgresql_driver_is_answered_with_ours(set_up: SetUp) -> None:
    set_up(DATABASE_URL="postgresql+asyncpg://relay@database/relay?sslmode=require")

    with pytest.raises(SettingsError, match="write ssl=require instead of sslmode=require"):
        load()


def test_public_url_ends_with_a_slash_and_proxies_are_a_list(set_up: SetUp) -> None:
    set_up(HTTP__PUBLIC_URL="https://api.example.ca", HTTP__TRUSTED_PROXIES="10.0.0.5, 192.0.2.0/24")

    assert load().http.public_url == "https://api.example.ca/"
    assert load().http.trusted_proxies == ("10.0.0.5/32", "192.0.2.0/24")


def test_plain_http_is_for_this_machine_only(set_up: SetUp) -> None:
    for url in ("http://127.0.0.1:8090", "http://localhost", "http://[::1]:8090", "https://notify.example.ca"):
        set_up(SITE__PUBLIC_URL=url)
        assert load().site.public_url == url + "/"
        assert load().site.is_secure == url.startswith("https")
    for url in ("http://notify.example.ca", "http://127.0.0.1.example.ca", "http://192.0.2.1"):
        set_up(SITE__PUBLIC_URL=url)
        with pytest.raises(SettingsError, match="SITE__PUBLIC_URL: use an https URL: plain http is for this machine"):
            load()


def test_a_site_that_others_reach_needs_its_public_url(set_up: SetUp) -> None:
    set_up(SITE__LISTEN="0.0.0.0:8090")
    assert load().site.public_url == "http://127.0.0.1:8090/"
    set_up(SITE__LISTEN="192.0.2.1:8090")
    with pytest.raises(SettingsError, match="SITE__PUBLIC_URL"):
        load()


def test_the_site_has_a_name_in_each_language(set_up: SetUp) -> None:
    set_up(SITE__NAME="Courier / Messager")
    assert load().site.names == {"en": "Courier", "fr": "Messager"}
    set_up(SITE__NAME="Courier")
    assert load().site.names == {"en": "Courier", "fr": "Courier"}


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (None, "http://127.0.0.1:8080/"),
        ("127.0.0.1:18080", "http://127.0.0.1:18080/"),
        ("relay.example.ca:80", "http://relay.example.ca:80/"),
        ("0.0.0.0:18080", "http://127.0.0.1:18080/"),
        (":18080", "http://127.0.0.1:18080/"),
        ("[::]:18080", "http://[::1]:18080/"),
        ("[2001:db8::1]:18080", "http://[2001:db8::1]:18080/"),
    ],
)
def test_public_url_is_where_we_listen_unless_it_is_set(set_up: SetUp, listen: str | None, url: str) -> None:
    set_up(**({"HTTP__LISTEN": listen} if listen else {}))
    assert load().http.public_url == url
    set_up(HTTP__PUBLIC_URL="https://api.example.ca")
    assert load().http.public_url == "https://api.example.ca/"


def test_default_domain_is_in_lower_case(set_up: SetUp) -> None:
    set_up(EMAIL__DEFAULT_DOMAIN="Notification.Example.CA")

    assert load().email.default_domain == "notification.example.ca"


def test_variables_that_no_setting_reads_are_named_and_harm_nothing(set_up: SetUp) -> None:
    set_up(PAGER__PROVIDER="aws", AWS__POOL="1")
    set_up(SMTP__LISTEN="127.0.0.1:25", CONFIG="")

    assert load().smtp.listen.port == 25
    assert unknown_variables() == [f"{PREFIX}{name}" for name in ("AWS__POOL", "PAGER__PROVIDER")]


def test_unknown_name_in_the_file_is_told(toml: Callable[[str], Path]) -> None:
    toml('[smtp]\nhostnam = "x"\n')

    with pytest.raises(SettingsError, match="NOTIFY_RELAY_SMTP__HOSTNAM"):
        load()


def test_file_that_is_missing_or_no_toml_is_told(set_up: SetUp, toml: Callable[[str], Path]) -> None:
    path = toml("this is not TOML")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load()

    path.unlink()
    with pytest.raises(SettingsError, match="does not exist"):
        load()


def test_secrets_are_not_shown_with_the_settings(set_up: SetUp) -> None:
    set_up(SECRET_KEY="c2VjcmV0", SEALING_KEY="c2VhbGluZw==")

    assert "c2V" not in repr(load()) + str(load())


def test_resolvers_are_addresses_with_a_port_where_it_is_not_53(set_up: SetUp) -> None:
    set_up(DNS__RESOLVERS="192.0.2.53, 127.0.0.1:5353,[2001:db8::53]:54,2001:db8::1,")

    found = [(each.host, each.port) for each in load().dns.resolvers]

    assert found == [("192.0.2.53", 53), ("127.0.0.1", 5353), ("2001:db8::53", 54), ("2001:db8::1", 53)]


@pytest.mark.parametrize("value", ["resolver.example.ca", "192.0.2", "192.0.2.1:x", "[192.0.2.1", "1.2.3.4:99999"])
def test_resolver_that_is_no_address_is_refused(set_up: SetUp, value: str) -> None:
    set_up(DNS__RESOLVERS=value)

    with pytest.raises(SettingsError, match="DNS__RESOLVERS"):
        load()


def test_devices_are_networks_with_the_user_name_of_a_key(set_up: SetUp) -> None:
    set_up(SMTP__DEVICES="10.1.2.0/24=printers-a1, 2001:db8::/64=scanners-b2")

    assert load().smtp.devices == (("10.1.2.0/24", "printers-a1"), ("2001:db8::/64", "scanners-b2"))


@pytest.mark.parametrize("devices", ["10.1.2.0/24", "=printers", "10.1.2.0/24=", "10.1.2.300=printers", "::1=a b"])
def test_devices_without_network_or_user_name_are_refused(set_up: SetUp, devices: str) -> None:
    set_up(SMTP__DEVICES=devices)

    with pytest.raises(SettingsError, match="NOTIFY_RELAY_SMTP__DEVICES: use a comma list of network=user name"):
        load()


def test_networks_of_devices_may_not_overlap(set_up: SetUp) -> None:
    set_up(SMTP__DEVICES="10.1.0.0/16=a, 10.1.2.0/24=b")

    with pytest.raises(SettingsError, match=r"SMTP__DEVICES: its networks 10\.1\.0\.0/16 and 10\.1\.2\.0/24 overlap"):
        load()


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "::/0"])
def test_devices_are_never_everybody(set_up: SetUp, everybody: str) -> None:
    set_up(SMTP__DEVICES=f"{everybody}=a")

    with pytest.raises(SettingsError, match=f"SMTP__DEVICES: {everybody} is everybody"):
        load()
