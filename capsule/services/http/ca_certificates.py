"""Which certificates the host's side of TLS trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

from capsule.services.http.failures import FailedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The first that is set wins, in the order of `requests`; OpenSSL's own two are used together.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_OPENSSL = ("SSL_CERT_FILE", "SSL_CERT_DIR")
SETTINGS = _BUNDLES + _OPENSSL


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return the context for every connection: TLS 1.2 or later, names and chains checked.

    It trusts what the CA settings in `environ` say; without any, what the system trusts, or the
    certificates that come with the HTTP library where the system has none. Once one is set, the
    system's certificates are not trusted besides.

    Raises `FailedError` when a CA setting cannot be used; the text has the setting's name only.
    """
    # Not create_default_context: that one looks into the process's environment by itself.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    names = next(((name,) for name in _BUNDLES if environ.get(name)), _OPENSSL)
    settings = {name: environ[name] for name in names if environ.get(name)}
    for name, value in settings.items():
        _load(context, name, value)
    if not settings:
        _load_defaults(context)
    return context


def _load(context: ssl.SSLContext, name: str, value: str) -> None:
    path = Path(value)
    try:
        if path.is_dir() or name == "SSL_CERT_DIR":
            # That one may be a list of folders; OpenSSL takes it apart, and trusts nobody for a
            # folder that is not there.
            context.load_verify_locations(capath=value)
        else:
            context.load_verify_locations(cafile=value)
    except (OSError, ValueError):
        raise FailedError(f"the certificates that the host's {name} names cannot be read") from None


def _load_defaults(context: ssl.SSLContext) -> None:
    paths = ssl.get_default_verify_paths()
    file, folder = Path(paths.openssl_cafile), Path(paths.openssl_capath)
    has_file = file.is_file()
    if folder.is_dir() and any(folder.iterdir()):
        context.load_verify_locations(cafile=file if has_file else None, capath=folder)
    elif has_file:
        context.load_verify_locations(cafile=file)
    else:
        import certifi

        context.load_verify_locations(cafile=certifi.where())
