"""From which address a request really comes."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]


def networks(listed: Sequence[str]) -> Networks:
    """Addresses and networks as written in a setting. Raises ValueError for what is neither."""
    return tuple(ip_network(each, strict=False) for each in listed)


def client_address(scope: Scope, proxies: Networks) -> Address | None:
    """The peer, or the one that listed proxies say they speak for; None where that cannot be told.

    Forwarding headers count only as far as the chain of listed proxies reaches: the rest anybody can write.
    """
    peer = _address(scope["client"][0]) if scope.get("client") else None
    hops = [hop for name, value in scope["headers"] if name == b"x-forwarded-for" for hop in value.split(b",")]
    while peer is not None and hops and _among(peer, proxies):
        peer = _address(hops.pop().strip().decode("latin-1"))
    return peer


def is_behind(scope: Scope, proxies: Networks) -> bool:
    """Whether the request was handed on by a listed proxy, so that its word on it can be taken."""
    peer = _address(scope["client"][0]) if scope.get("client") else None
    return peer is not None and _among(peer, proxies)


def is_local(scope: Scope, proxies: Networks, listed: Networks) -> bool:
    """Whether the request comes from this machine or a listed address.

    A forwarded request is never local by its peer: a proxy on this machine that nobody listed speaks for strangers.
    """
    address = client_address(scope, proxies)
    if address is None:
        return False
    forwarded = any(name in {b"x-forwarded-for", b"forwarded", b"x-real-ip"} for name, _ in scope["headers"])
    return _among(address, listed) or (address.is_loopback and not forwarded)


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _among(address: Address, listed: Networks) -> bool:
    return any(address.version == network.version and address in network for network in listed)
