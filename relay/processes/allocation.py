"""How the C library keeps the memory of large messages, so that it goes back to the system with them."""

import contextlib
import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
_LARGE_OCTETS = 1 << 20
_KEPT_OCTETS = 8 << 20


def keep_large_apart() -> None:
    """From now on every large block of this process is a mapping of its own.

    Left alone, glibc takes blocks of a size that it has freed once from its heap, where holes stay between them: 40
    messages of 10 MB in transfer held half as much memory again. Does nothing on another C library.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGE_OCTETS)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_OCTETS)
