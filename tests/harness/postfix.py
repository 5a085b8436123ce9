"""Postfix as a smarthost client: an instance of its own, with nothing of the machine's but the programs."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.harness.clients_page import filled
from tests.harness.relay import Credentials, Relay

_PATH = f"{os.environ['PATH']}:/usr/sbin"

# Of the programs of a usual Postfix those that a client needs, and none that listens.
_MASTER = """
pickup    unix  n  -  n  1   1  pickup
cleanup   unix  n  -  n  -   0  cleanup
qmgr      unix  n  -  n  1   1  qmgr
rewrite   unix  -  -  n  -   -  trivial-rewrite
bounce    unix  -  -  n  -   0  bounce
defer     unix  -  -  n  -   0  bounce
trace     unix  -  -  n  -   0  bounce
smtp      unix  -  -  n  -   -  smtp
tlsmgr    unix  -  -  n 1000?  1  tlsmgr
error     unix  -  -  n  -   -  error
retry     unix  -  -  n  -   -  error
virtual   unix  -  n  n  -   -  virtual
showq     unix  n  -  n  -   -  showq
postlog   unix-dgram n - n -  1  postlogd
"""

# What every installation has in some way, then what keeps a test short.
_OWN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = smarthost.city.example
mydestination =
inet_protocols = ipv4
smtp_host_lookup = native
virtual_mailbox_domains = city.example
virtual_mailbox_maps = static:inbox
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}

queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
"""


def missing() -> str | None:
    """Why it cannot run here."""
    if shutil.which("postfix", path=_PATH) is None:
        return "not installed (Debian: apt-get install postfix libsasl2-modules)"
    return None if os.geteuid() == 0 else "its master runs as root only, and these tests do not"


class Postfix:
    """Sends all mail to a relay, as docs/clients.md says; what goes back to city.example ends in a mailbox."""

    def __init__(self, relay: Relay, key: Credentials, *, tls: bool = False) -> None:
        self._relay, self._key, self._tls = relay, key, tls
        self._place = tempfile.TemporaryDirectory(prefix="postfix-")  # not pytest's, where only root may go
        self.folder = Path(self._place.name)
        self.folder.chmod(0o755)
        self._etc = self.folder / "etc"
        self._environment = os.environ | {"MAIL_CONFIG": str(self._etc), "PATH": _PATH}
        user = pwd.getpwnam("postfix")
        for name in ("etc", "queue", "data", "mail"):
            (self.folder / name).mkdir()
        for name in ("data", "mail"):
            os.chown(self.folder / name, user.pw_uid, user.pw_gid)
        own = _OWN.format(folder=self.folder, user=user.pw_uid, group=user.pw_gid)
        (self._etc / "master.cf").write_text(_MASTER)
        (self._etc / "main.cf").write_text(own + self._of_page("main.cf"))
        (self._etc / "sasl_passwd").touch(0o600)
        (self._etc / "sasl_passwd").write_text(self._of_page("sasl_passwd"))

    def _of_page(self, name: str, recipient: str = "") -> str:
        text = filled(name, self._relay, self._key, recipient, tls=self._tls)
        text = text.replace("/etc/ssl/certs/ca-certificates.crt", str(self._relay.folder / "var/tls.crt"))
        return text.replace("/etc/postfix", str(self._etc))

    def run(self, *command: str, given: bytes = b"") -> str:
        done = subprocess.run(
            command, env=self._environment, input=given, capture_output=True, timeout=60, check=False, cwd="/"
        )
        assert done.returncode == 0, (command, done.stderr.decode(), self.log)
        return done.stdout.decode()

    def start(self) -> "Postfix":
        self.run("postfix", "start")
        return self

    def test_line(self, recipient: str) -> None:
        """What the page tells to run."""
        self.run("sh", "-ec", self._of_page("postfix.sh", recipient))

    def submit(self, content: bytes, sender: str = "clerk@city.example") -> None:
        """As a program on this machine does; the recipients are those in the header section."""
        self.run("sendmail", "-i", "-t", "-f", sender, given=content)

    def wait_for_log(self, *words: str, seconds: float = 60) -> str:
        """The first line with all these words."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self.log.splitlines():
                if all(word in line for word in words):
                    return line
            time.sleep(0.1)
        raise AssertionError(f"no line with {words} in {self.log}")

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def inbox(self) -> bytes:
        """What came back to city.example."""
        path = self.folder / "mail/inbox"
        return path.read_bytes() if path.exists() else b""

    def end(self) -> None:
        """Stopped, all its processes gone, its folder too."""
        self.run("postfix", "stop")
        self._place.cleanup()
