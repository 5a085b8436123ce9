"""Whom clients of AWS trust: read once a process, since each test opens clients of its own."""

import ssl

from aiobotocore.httpsession import AIOHTTPSession


def remember() -> None:
    """For this process and those that are forked from it: by what a server is verified where nothing else is set."""
    make = AIOHTTPSession._build_verify_context
    usual: ssl.SSLContext = make(AIOHTTPSession())
    AIOHTTPSession._build_verify_context = lambda session: usual if session._verify is True else make(session)
