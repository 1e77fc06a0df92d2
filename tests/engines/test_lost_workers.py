"""What becomes of items whose worker dies: none is lost, none double, and all is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines.clusters import killing_workers
from tests.engines.conftest import CALLS

if TYPE_CHECKING:
    from tests.engines.clusters import Backend
    from tests.integration.origin import Origin


@pytest.mark.parametrize("retry_lost", [False, True])
def test_what_a_dead_worker_had_is_begun_again_or_told_of(
    cluster: Backend, origin: Origin, retry_lost: bool
) -> None:
    Path("calls.py").write_text(CALLS.format(port=origin.server_port))
    count = 300
    found, killed = killing_workers(
        cluster, range(count), (60, 150), retry_lost=retry_lost, spread=False
    )
    begun = Counter(line.rpartition("/")[2] for line in origin.seen)
    assert killed == 2
    assert sorted(envelope.index for envelope in found) == list(range(count))
    failed = [envelope for envelope in found if not envelope.success]
    if retry_lost:
        assert failed == []
        assert begun.keys() == {str(n) for n in range(count)}
        return
    assert failed
    for envelope in failed:
        assert envelope.error.error_type == "sandbox_crashed"
        assert "was lost; it may have run, and is not tried again" in envelope.error.message
    assert max(begun.values()) == 1
    for envelope in found:
        assert envelope.error is not None or begun[str(envelope.index)] == 1
