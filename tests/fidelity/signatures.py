"""DKIM signatures verified by others' code, dkimpy and Debian's Mail::DKIM in Perl. The key is given, not looked up."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import dkim

_SCRIPT = Path(__file__).with_name("verify.pl")


def missing() -> str | None:
    """Why Mail::DKIM cannot be used here."""
    if shutil.which("perl") is None or subprocess.run(["perl", "-MMail::DKIM", "-e1"], capture_output=True).returncode:
        return "Mail::DKIM is not installed (Debian: apt-get install libmail-dkim-perl)"
    return None


def by_dkimpy(signed: bytes, record: str) -> str:
    """A verdict on the topmost signature: "pass", or what is wrong."""
    try:
        good = dkim.DKIM(signed).verify(dnsfunc=lambda name, **_: record.encode())  # type: ignore[no-untyped-call]
    except dkim.DKIMException as error:
        return str(error)
    return "pass" if good else "fail"


def by_mail_dkim(signed: Sequence[bytes], record: str) -> list[str]:
    """A verdict per message: "pass", or what is wrong."""
    given = record.encode() + b"\n" + b"".join(b"%d\n%s" % (len(each), each) for each in signed)
    done = subprocess.run(["perl", _SCRIPT], input=given, capture_output=True, timeout=120, check=True)
    return done.stdout.decode().splitlines()
