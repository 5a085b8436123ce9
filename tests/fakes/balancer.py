"""What a TCP balancer writes in front of a connection that it passes on: PROXY headers of both versions."""

from ipaddress import ip_address

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(client_ip: str, port: int = 40000) -> bytes:
    ours = "2001:db8::2" if ":" in client_ip else "192.0.2.2"
    return f"PROXY TCP{6 if ':' in client_ip else 4} {client_ip} {ours} {port} 587\r\n".encode()


def v2(client_ip: str, port: int = 40000, extra: bytes = b"") -> bytes:
    """`extra` stands for type-length-value blocks."""
    client = ip_address(client_ip)
    ours = ip_address("2001:db8::2" if client.version == 6 else "192.0.2.2")
    block = client.packed + ours.packed + port.to_bytes(2) + (587).to_bytes(2) + extra
    family = 0x21 if client.version == 6 else 0x11
    return _SIGNATURE + bytes([0x21, family]) + len(block).to_bytes(2) + block


V2_LOCAL = _SIGNATURE + b"\x20\x00\x00\x00"
