"""Reading W&B's offline file back: LevelDB's log format around protobuf records."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BLOCK, _FILE_HEADER = 32 * 1024, 7
_FULL, _LAST = 1, 4


def history(folder: Path) -> list[dict[str, Any]]:
    """Everything that was logged to the only run below a folder, one dict per call, in order."""
    from wandb.proto import wandb_internal_pb2

    (path,) = folder.rglob("*.wandb")
    rows = []
    for data in _records(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            rows.append({i.key or ".".join(i.nested_key): json.loads(i.value_json) for i in items})
    return rows


def _records(content: bytes) -> Iterator[bytes]:
    at, parts = _FILE_HEADER, b""
    while at + 7 <= len(content):
        if _BLOCK - at % _BLOCK < 7:  # a header never spans two blocks
            at += _BLOCK - at % _BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (_FULL, _LAST):
            yield parts
            parts = b""
