"""The ways in which a request of a sandbox goes wrong; the guest sees their text.

No text repeats a header's value, a query, credentials, or a value of the host's environment.
"""

from __future__ import annotations


class RefusedError(Exception):
    """Raised when the policy, or a rule of the broker, does not let a request out."""


class FailedError(Exception):
    """Raised when an allowed request fails: network, TLS, time, size, or calls out of order."""


class LateError(FailedError):
    """Raised when it fails because something took too long."""
