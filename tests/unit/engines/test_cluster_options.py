"""What a program says of a cluster: what is no amount is refused before anything is joined."""

from __future__ import annotations

from typing import Any

import pytest

from capsule.engines.cluster_options import resources_of
from capsule.errors import UsageError


def test_amounts() -> None:
    assert resources_of({"GPU": 1, "slots": 0.5}) == {"GPU": 1, "slots": 0.5}
    assert resources_of(None) == {}


@pytest.mark.parametrize("amount", [0, -1, float("nan"), True, "2", None])
def test_what_is_none(amount: Any) -> None:
    with pytest.raises(UsageError, match=r"resources=\{'GPU': .*\}: more than 0 is needed"):
        resources_of({"GPU": amount})
