"""A name server on loopback, whose one name stands for as many addresses as a test likes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dnslib import QTYPE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSServer

# Docker's name server says so too: whoever believes it learns of a new replica ten minutes later.
_TTL_SECONDS = 600


class Names(BaseResolver):
    """What each name stands for; change it at any time."""

    def __init__(self, **addresses: list[str]) -> None:
        """IPv4 addresses by name."""
        self.addresses = addresses

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        """Answer one question."""
        answer = request.reply()
        if request.q.qtype == QTYPE.A:
            for address in self.addresses.get(str(request.q.qname).rstrip("."), ()):
                answer.add_answer(RR(request.q.qname, rdata=A(address), ttl=_TTL_SECONDS))
        return answer


@contextmanager
def name_server(names: Names, port: int) -> Iterator[None]:
    """Answer at 127.0.0.1 and this UDP port."""
    server = DNSServer(names, address="127.0.0.1", port=port)
    server.start_thread()
    try:
        yield
    finally:
        server.stop()
