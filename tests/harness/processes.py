"""Further processes of a test, each forked from one that has what they import."""

import multiprocessing
from multiprocessing.context import ForkServerContext

_IMPORTED = ["pytest", "tests.conftest", "tests.fakes.messages", "tests.harness.callbacks", "tests.harness.store"]


def processes() -> ForkServerContext:
    """What they are started by. They share nothing with the test but what it hands them, as spawned ones do."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    return context
