"""HTTP for the sandbox: `_socket` and `_ssl` stand-ins, below the standard library's own modules.

There are no sockets here. What a client writes to one is read as HTTP/1.1 and asked of the host in
calls; the answer comes back as the bytes of an HTTP/1.1 answer. `socket`, `ssl`, `http.client`,
`urllib.request`, and packages over them (urllib3, requests), are as they are everywhere.

The host resolves names, decides what may be reached, and does TLS. So here a name resolves to
itself; certificates given to an `SSLContext` are not looked at, and `verify=False` is as if it had
not been said: the host checks every certificate, with what its environment trusts. What would
promise more than that is refused: a client's certificate, a fingerprint. So is whatever is not
HTTP, and so are tunnels (CONNECT) and websockets.

The standard library's modules are left alone until somebody imports them. What is here is small,
and loaded at once: where a task runs, there are no files of it to load it from.
"""

from __future__ import annotations

import sys

from capsule_guest.net import idna_codec, select_shim, sockets, tls
from capsule_guest.net.module_finder import ModuleFinder

# What completes a module, and whether the interpreter has one to begin with.
_PARTS = {
    "_socket": (sockets.fill, True),
    "_ssl": (tls.fill, False),
    "select": (select_shim.fill, True),
}
# What is made of these: imported again where it is loaded already.
_OVER = ("socket", "ssl", "selectors")


def install() -> None:
    """Put the stand-ins in place; to be called before anything has imported `socket`."""
    if any(isinstance(finder, ModuleFinder) for finder in sys.meta_path):
        return
    for name in (*_PARTS, *_OVER):
        sys.modules.pop(name, None)  # nobody has a socket of it yet
    sys.meta_path.insert(0, ModuleFinder(_PARTS))
    idna_codec.install()
