"""Which settings hold without a restart, and what is said of the others."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from config.settings import PREFIX, Settings, load
from relay.processes.reloading import Merged, Reloading, merged

pytestmark = pytest.mark.usefixtures("no_variables")


def test_what_may_change_does_and_what_may_not_is_named() -> None:
    old = load()
    new = load(
        log_level="debug",
        processes=old.processes + 1,
        limits={"per_minute": 7},
        smtp={"listen": "127.0.0.1:25", "max_recipients": 3},
        secret_key="A" * 43 + "=",
    )
    found = merged(old, new)

    assert found.changed == ("LOG_LEVEL", "SMTP__MAX_RECIPIENTS", "LIMITS__PER_MINUTE")
    assert found.waiting == ("PROCESSES", "SMTP__LISTEN")
    assert (found.settings.log_level, found.settings.limits.per_minute) == ("debug", 7)
    assert found.settings.smtp.max_recipients == 3
    assert found.settings.smtp.listen == old.smtp.listen
    assert (found.settings.processes, found.settings.secret_key) == (old.processes, None)
    assert merged(old, old) == Merged(old)


def test_a_default_that_follows_from_what_waits_waits_with_it() -> None:
    """Else the site would answer to a port that nobody listens on yet, and to no other."""
    old, new = load(), load(site={"listen": "127.0.0.1:9090"}, http={"listen": "127.0.0.1:9080"})
    found = merged(old, new)

    assert (found.changed, found.waiting) == ((), ("HTTP__LISTEN", "SITE__LISTEN"))
    assert found.settings == old
    named = load(site={"listen": "127.0.0.1:9090", "public_url": "https://notify.example.ca"})
    assert merged(old, named).changed == ("SITE__PUBLIC_URL",)
    assert merged(named, new).settings.site.public_url == old.site.public_url.replace("8090", "9090")


def test_one_stream_of_lines_has_one_format() -> None:
    """The supervisor's lines keep the one of its start, and stand among those of its children."""
    assert merged(load(), load(log_format="console")) == Merged(load(), (), ("LOG_FORMAT",))


def test_the_file_is_read_anew_and_the_environment_of_the_start_wins(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text("[limits]\nper_minute = 7\nlive_per_day = 8\n")
    variables = {f"{PREFIX}CONFIG": str(file), f"{PREFIX}LIMITS__PER_MINUTE": "5"}
    reloading = Reloading(Settings(limits={"per_minute": 5}), variables, {})  # type: ignore[arg-type]

    assert reloading.reread()
    assert (reloading.settings.limits.per_minute, reloading.settings.limits.live_per_day) == (5, 8)
    assert not reloading.reread()
    assert not [name for name in os.environ if name.startswith(PREFIX)]


def test_a_file_that_cannot_be_used_changes_nothing_and_its_secrets_stay_in_it(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    secret = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU="
    reloading = Reloading(load(), {f"{PREFIX}CONFIG": str(file)}, {})
    for text in ("log_level = 'loud'\n", "no toml", f"secret_key = '{secret}'\n[branding]\ndir = '/nowhere'\n"):
        file.write_text(text)
        with capture_logs() as logs:
            assert not reloading.reread()
        assert [line["event"] for line in logs] == ["settings.not_reloaded"]
        assert secret not in repr(logs)
    assert reloading.settings == load()

    file.write_text(f"secret_key = '{secret}'\nlog_level = 'debug'\n")
    assert reloading.reread()
    assert reloading.settings.secret_key is None
    assert SecretStr(secret) not in vars(reloading.settings).values()
