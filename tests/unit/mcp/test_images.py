"""Images come from a sandbox: what each says of itself is looked at before it is sent."""

from __future__ import annotations

import base64
import struct

from capsule.mcp.images import MOST_BYTES, MOST_IMAGES, images_of


def png(width: int, height: int, more: int = 0) -> str:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return base64.b64encode(head + bytes(more)).decode()


def test_an_image_is_sent_as_it_is() -> None:
    found, notes = images_of([{"image/png": png(640, 480), "text/plain": "a figure"}])
    assert [(each.kind, each.data) for each in found] == [("image/png", png(640, 480))]
    assert notes == []


def test_one_with_too_many_pixels_is_left_out_and_said() -> None:
    for size in ((2_001, 10), (10, 2_001), (1 << 31, 1 << 31)):
        found, (note,) = images_of([{"image/png": png(*size)}])
        assert found == []
        assert "pixels is left out" in note


def test_bytes_are_those_of_all_images() -> None:
    half = {"image/png": png(9, 9, MOST_BYTES // 2)}
    found, (note,) = images_of([half, half])
    assert len(found) == 1
    assert "draw it smaller" in note


def test_there_are_so_many_at_most() -> None:
    found, notes = images_of([{"image/png": png(9, 9)}] * (MOST_IMAGES + 2))
    assert (len(found), len(notes)) == (MOST_IMAGES, 2)


def test_what_is_no_image_is_none() -> None:
    text = base64.b64encode(b"GIF89a and so on, which is no PNG at all").decode()
    for said in ("%%%", "", text, png(0, 5), base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()):
        for kind in ("image/png", "image/jpeg"):
            found, notes = images_of([{kind: said}])
            assert (found, len(notes)) == ([], 1)
    assert images_of([None, "x", {"image/png": 3}, {"text/plain": "x"}]) == ([], [])
    # A segment without a length, over and over.
    endless = base64.b64encode(b"\xff\xd8" + b"\xff\xe0\0\0" * 1_000).decode()
    assert images_of([{"image/jpeg": endless}])[0] == []
