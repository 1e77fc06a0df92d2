"""`_ssl`, the module below `ssl`: the host does TLS. What a client sets is kept, and no more."""

from __future__ import annotations

import os

from capsule_guest.net.errors import unsupported
from capsule_guest.net.ssl_constants import ABILITIES, NUMBERS
from capsule_guest.net.ssl_types import KINDS, nid2obj, txt2obj
from capsule_guest.net.tls_connection import CIPHER, TlsBuffers, TlsConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_NONE, _REQUIRED = NUMBERS["CERT_NONE"], NUMBERS["CERT_REQUIRED"]


class Context:
    """The base of `ssl.SSLContext`."""

    _kept: dict

    def __new__(cls, protocol=2, *args, **kwargs):  # type: ignore[no-untyped-def]
        self = super().__new__(cls)
        client = protocol == NUMBERS["PROTOCOL_TLS_CLIENT"]
        self._kept = {
            "protocol": protocol,
            "options": NUMBERS["OP_ALL"] | NUMBERS["OP_NO_SSLv3"] | NUMBERS["OP_NO_COMPRESSION"],
            "verify_mode": _REQUIRED if client else _NONE,
            "verify_flags": NUMBERS["VERIFY_X509_TRUSTED_FIRST"],
            "check_hostname": client,
            "minimum_version": NUMBERS["PROTO_TLSv1_2"],
            "maximum_version": NUMBERS["PROTO_MAXIMUM_SUPPORTED"],
            "post_handshake_auth": False,
            "keylog_filename": None,
            "num_tickets": 2,
            "sni_callback": None,
            "_msg_callback": None,
            "_host_flags": NUMBERS["HOSTFLAG_NO_PARTIAL_WILDCARDS"],
        }
        return self

    @property
    def verify_mode(self) -> int:
        return self._kept["verify_mode"]

    @verify_mode.setter
    def verify_mode(self, value: int) -> None:
        if value == _NONE and self.check_hostname:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        self._kept["verify_mode"] = int(value)

    @property
    def check_hostname(self) -> bool:
        return self._kept["check_hostname"]

    @check_hostname.setter
    def check_hostname(self, value: bool) -> None:
        if value and self.verify_mode == _NONE:
            self.verify_mode = _REQUIRED
        self._kept["check_hostname"] = bool(value)

    security_level = 2

    def _set_alpn_protocols(self, protocols: bytes) -> None:
        """Take what to offer; the answer is HTTP/1.1 whatever the host speaks."""

    def set_ciphers(self, ciphers: str) -> None:
        """Take what to offer, which is the host's to choose."""

    def set_ciphersuites(self, ciphers: str) -> None:
        """Take what to offer, which is the host's to choose."""

    def set_groups(self, groups: str) -> None:
        """Take what to offer, which is the host's to choose."""

    def set_client_sigalgs(self, algorithms: str) -> None:
        """Take what to offer, which is the host's to choose."""

    def set_server_sigalgs(self, algorithms: str) -> None:
        """Take what to offer, which is the host's to choose."""

    def set_ecdh_curve(self, name: str) -> None:
        """Take what to offer, which is the host's to choose."""

    def load_dh_params(self, path: object) -> None:
        """Take what a server would use."""

    def load_verify_locations(self, cafile=None, capath=None, cadata=None) -> None:  # type: ignore[no-untyped-def]
        """Take certificates to trust; the host trusts what its environment says."""
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")

    def set_default_verify_paths(self) -> None:
        """Take what the system trusts; the host trusts what its environment says."""

    def load_cert_chain(self, certfile, keyfile=None, password=None) -> None:  # type: ignore[no-untyped-def]
        raise unsupported("a client's certificate cannot be used here: TLS is done by the host")

    def cert_store_stats(self) -> dict[str, int]:
        return {"x509": 0, "crl": 0, "x509_ca": 0}

    def session_stats(self) -> dict[str, int]:
        return {}

    def get_ca_certs(self, binary_form: bool = False) -> list:
        return []

    def get_ciphers(self) -> list[dict]:
        return [{"name": CIPHER[0], "protocol": CIPHER[1], "strength_bits": CIPHER[2]}]

    def get_groups(self, include_aliases: bool = False) -> list[str]:
        return []

    def _wrap_socket(self, sock, server_side, server_hostname=None, *, owner=None, session=None):  # type: ignore[no-untyped-def]
        if server_side:
            raise unsupported("nothing can be served here: no connection comes in")
        return TlsConnection(self, sock, server_hostname)

    def _wrap_bio(  # type: ignore[no-untyped-def] # noqa: PLR0913
        self, incoming, outgoing, server_side, server_hostname=None, *, owner=None, session=None
    ):
        if server_side:
            raise unsupported("nothing can be served here: no connection comes in")
        return TlsBuffers(self, incoming, outgoing, server_hostname)


def _kept(name: str) -> property:
    def get(self):  # type: ignore[no-untyped-def]
        return self._kept[name]

    def put(self, value) -> None:  # type: ignore[no-untyped-def]
        self._kept[name] = value

    return property(get, put)


for _name in (
    "protocol", "options", "verify_flags", "minimum_version", "maximum_version", "num_tickets",
    "post_handshake_auth", "keylog_filename", "sni_callback", "_msg_callback", "_host_flags",
):  # fmt: skip
    setattr(Context, _name, _kept(_name))


def fill(module: ModuleType) -> None:
    """Make `_ssl` of this."""
    vars(module).update(
        NUMBERS | ABILITIES,
        **{kind.__name__: kind for kind in KINDS},
        _SSLContext=Context,
        OPENSSL_VERSION="OpenSSL 3.0.0 (TLS is done by the host)",
        OPENSSL_VERSION_NUMBER=0x30000000,
        OPENSSL_VERSION_INFO=(3, 0, 0, 0, 0),
        _OPENSSL_API_VERSION=(3, 0, 0, 0, 0),
        _DEFAULT_CIPHERS="DEFAULT",
        txt2obj=txt2obj,
        nid2obj=nid2obj,
        RAND_status=lambda: True,
        RAND_add=lambda data, entropy: None,
        RAND_bytes=os.urandom,
        RAND_pseudo_bytes=lambda count: (os.urandom(count), True),
        get_sigalgs=list,
        get_default_verify_paths=lambda: (
            "SSL_CERT_FILE",
            "/etc/ssl/cert.pem",
            "SSL_CERT_DIR",
            "/etc/ssl/certs",
        ),
    )
