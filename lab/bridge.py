"""The network bridge of the private engine, by ioctl: no ``ip`` program is needed (netdevice(7))."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import socket
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Bridge:
    """A bridge by its *name*, with its *address* and network (``10.0.0.1/24``)."""

    name: str
    address: str


LAB = Bridge("ecrlab0", "10.83.67.1/24")
# Of an engine beside the lab's: two engines on one bridge would give out the same addresses.
SECOND = Bridge("ecrlab1", "10.83.68.1/24")
NAME = LAB.name
# linux/sockios.h and linux/if.h
SIOCBRADDBR, SIOCBRDELBR = 0x89A0, 0x89A1
SIOCSIFADDR, SIOCSIFNETMASK, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8916, 0x891C, 0x8913, 0x8914
IFF_UP = 1


def add(link: Bridge = LAB) -> None:
    """Create the bridge with its address, and bring it up; one that is there already stays.

    Raises OSError without the right to (CAP_NET_ADMIN) or without bridges in the kernel.
    """
    name, network = link.name, ipaddress.ip_interface(link.address)
    with _socket() as sock:
        with contextlib.suppress(FileExistsError):
            fcntl.ioctl(sock, SIOCBRADDBR, name.encode() + b"\0")
        fcntl.ioctl(sock, SIOCSIFADDR, _request(name, _inet(str(network.ip))))
        fcntl.ioctl(sock, SIOCSIFNETMASK, _request(name, _inet(str(network.netmask))))
        _set_up(sock, name, True)


def remove(name: str = NAME) -> bool:
    """Delete the bridge; tell whether there was one."""
    if not exists(name):
        return False
    with _socket() as sock:
        _set_up(sock, name, False)
        fcntl.ioctl(sock, SIOCBRDELBR, name.encode() + b"\0")
    return True


def exists(name: str = NAME) -> bool:
    """Tell whether there is the bridge in this network namespace (/sys may show another one's)."""
    return name in {one for _, one in socket.if_nameindex()}


def _socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _set_up(sock: socket.socket, name: str, up: bool) -> None:
    answer = fcntl.ioctl(sock, SIOCGIFFLAGS, _request(name, b""))
    (flags,) = struct.unpack_from("h", answer, 16)
    flags = flags | IFF_UP if up else flags & ~IFF_UP
    fcntl.ioctl(sock, SIOCSIFFLAGS, _request(name, struct.pack("h", flags)))


def _request(name: str, value: bytes) -> bytes:
    return struct.pack("16s24s", name.encode(), value)


def _inet(address: str) -> bytes:
    return struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(address))
