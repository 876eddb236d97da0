"""Origins that send one to places that are none, or round and round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behaviours import BEHAVIOURS, Behaviour, Writer, behaviour, reply

if TYPE_CHECKING:
    from origin import Request

LOCATIONS = {
    # that lead nowhere
    "no-host": "http://",
    "empty-host": "http:///json",
    "no-name": "//",
    "open-bracket": "http://[::1/",
    "future-address": "http://[v1.x]/",
    "space-in-host": "http://ex ample/",
    "control-in-host": "http://\x7f/",
    "nul-in-host": "http://%00/",
    "dots-in-host": "http://a..b/",
    "port-too-big": "http://127.0.0.1:99999/",
    "port-0": "http://127.0.0.1:0/",
    "controls": "/\x01\x02",
    "long": "/" + "x" * 20_000,
    "javascript": "javascript:alert(1)",
    "data": "data:text/plain,x",
    "mail": "mailto:a@b",
    "file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/",
    # that lead back
    "empty": "",
    "blank": " ",
    "fragment": "#part",
    # that lead to /json, in a roundabout way
    "dots": "/../.././a/../json",
    "relative": "json",
    "tab": "\tjson",
    "query": "json?a=b c",
    "fragmented": "/json#a#b",
}
RAW_LOCATIONS = {  # beyond ASCII
    "utf-8": "/json?\u00e9\u2603".encode().decode("latin-1"),
    "latin-1": "/json?\xe9",
}


def to(location: str) -> Behaviour:
    async def send(request: Request, writer: Writer) -> None:
        reply(request, writer, status=302, headers=[("Location", location)])
    return send


for name, location in {**LOCATIONS, **RAW_LOCATIONS}.items():
    BEHAVIOURS["location-" + name] = to(location)


BEHAVIOURS["circle-a"] = to("/circle-b")
BEHAVIOURS["circle-b"] = to("/circle-a")


@behaviour
async def spiral(request: Request, writer: Writer) -> None:
    """Never the same place twice."""
    turn = int(request.argument("0")) + 1
    reply(request, writer, status=307, headers=[("Location", f"/spiral/{turn}")])


@behaviour
async def two_locations(request: Request, writer: Writer) -> None:
    reply(request, writer, status=302, headers=[("Location", "/json"), ("Location", "/status/418")])


@behaviour
async def moving_body(request: Request, writer: Writer) -> None:
    """A redirect with a body that is not to be waited for."""
    reply(request, writer, b"moved\n" * 10_000, status=301, headers=[("Location", "/json")])
