"""Exim as a smarthost client: whoever submits a message delivers it, so nothing stays running.

Its Debian package excludes Postfix's: `.ci/run` only unpacks it. The user that the program was built for is therefore
one that libnss-wrapper tells it about.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.harness.clients_page import filled
from tests.harness.relay import Credentials, Relay

PROGRAM = Path(__file__).parents[2] / ".ci/exim/usr/sbin/exim4"
_USER = os.geteuid() or 65534  # never root

_OWN = """
primary_hostname = smarthost.city.example
domainlist local_domains = $primary_hostname
spool_directory = {folder}/spool
log_file_path = {folder}/spool/%s.log
exim_path = {program}
keep_environment = PATH : LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP

"""


class Exim:
    """Sends all mail to a relay, as docs/clients.md says."""

    def __init__(self, relay: Relay, key: Credentials, *, tls: bool = False) -> None:
        self._relay, self._key, self._tls = relay, key, tls
        self._place = tempfile.TemporaryDirectory(prefix="exim-")  # not pytest's, where only root may go
        self.folder = Path(self._place.name)
        self.folder.chmod(0o755)
        (self.folder / "passwd").write_text(f"Debian-exim:x:{_USER}:{_USER}::/:/bin/false\nroot:x:0:0::/:/bin/sh\n")
        (self.folder / "group").write_text(f"Debian-exim:x:{_USER}:\nroot:x:0:\n")
        certificate = shutil.copy(relay.folder / "var/tls.crt", self.folder)
        (self.folder / "tls.crt").chmod(0o644)
        # A smarthost on this machine would be a loop in real life: `self` says that it is meant.
        text = self._of_page("exim.conf").replace("byname\n", "byname\n  self = send\n")
        own = _OWN.format(folder=self.folder, program=PROGRAM)
        (self.folder / "exim.conf").write_text(own + text.replace("= system", f"= {certificate}"))
        (self.folder / "exim.conf").chmod(0o644)
        command = self.folder / "exim"
        command.write_text(f'#!/bin/sh\nexec {PROGRAM} -C {self.folder}/exim.conf "$@"\n')
        command.chmod(0o755)

    def _of_page(self, name: str, recipient: str = "") -> str:
        return filled(name, self._relay, self._key, recipient, tls=self._tls)

    def options(self, lines: str) -> None:
        """More of its main ones."""
        path = self.folder / "exim.conf"
        path.write_text(f"{lines}\n{path.read_text()}")

    def run(self, *command: str, given: bytes = b"") -> str:
        environment = os.environ | {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.folder / "group"),
        }
        done = subprocess.run(
            command, env=environment, input=given, capture_output=True, timeout=60, check=False, cwd="/"
        )
        heard = (done.stdout + done.stderr).decode(errors="replace")
        assert done.returncode == 0, (command, heard, self.log)
        return heard

    def test_line(self, recipient: str) -> str:
        """What the page tells to run."""
        return self.run("sh", "-ec", self._of_page("exim.sh", recipient))

    def submit(self, content: bytes, sender: str = "clerk@city.example") -> None:
        """As a program on this machine does; the recipients are those in the header section."""
        self.run("exim", "-odf", "-i", "-t", "-f", sender, given=content)

    @property
    def log(self) -> str:
        path = self.folder / "spool/main.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def end(self) -> None:
        self._place.cleanup()
