"""The name that was probably meant."""

from __future__ import annotations

from capsule.suggest import nearest


def test_nearest_knows_prefixes_dashes_and_slips() -> None:
    known = ("default_ram", "max_timeout", "allowed_hosts")
    assert nearest("ram", known) == "default_ram"
    assert nearest("allowed-hosts", known) == "allowed_hosts"
    assert nearest("alowed_host", known) == "allowed_hosts"
    assert nearest("zzz", known) is None
    assert nearest("x" * 1_000_000, known) is None
