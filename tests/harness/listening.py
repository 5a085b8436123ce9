"""A listening socket for a server in this process, which sends what it writes at once, as those of uvloop do.

asyncio asks for that only where the socket knows its protocol, which `socket.create_server` does not tell it: the rest
of each answer waited 40 ms for the other side to say that it had the first.
"""

import socket


def loopback() -> socket.socket:
    """On any port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # those that it accepts inherit it
    listener.setblocking(False)
    return listener
