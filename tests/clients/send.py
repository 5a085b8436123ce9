# Follows send.py of the page: sends every letter that is named, after its recipients.
import sys
from pathlib import Path

for recipients, path in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    content = Path(path).read_bytes().replace(b"\n", b"\r\n")  # smtplib mends the line ends of text only
    relay.sendmail("clerk@city.example", recipients.split(","), content)  # noqa: F821
relay.quit()  # noqa: F821
