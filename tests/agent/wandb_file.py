"""Reading W&B's offline file back: LevelDB's log format around protobuf records."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BLOCK, _FILE_HEADER = 32 * 1024, 7
_FULL, _LAST = 1, 4


def history(folder: Path) -> list[dict[str, Any]]:
    """Everything that was logged to the only run below a folder, one dict per call, in order."""
    return [
        {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}
        for record in read_records(folder)
        if record.WhichOneof("record_type") == "history"
        for items in [record.history.item]
    ]


def artifacts(folder: Path) -> list[Any]:
    """Every artefact that was logged to the only run below a folder, as W&B's record of it."""
    found = []
    for record in read_records(folder):
        kind = record.WhichOneof("record_type")
        if kind == "artifact":
            found.append(record.artifact)
        elif kind == "request" and record.request.HasField("log_artifact"):
            found.append(record.request.log_artifact.artifact)
    return found


def read_records(folder: Path, *, patience: float = 20.0) -> list[Any]:
    """Records of the only run below a folder.

    W&B's own process may still be writing when `finish` has returned.
    """
    (path,) = folder.rglob("*.wandb")
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        records = [_parsed(data) for data in _records(path.read_bytes())]
        if any(record.WhichOneof("record_type") == "exit" for record in records):
            break
        time.sleep(0.05)
    return records


def _parsed(data: bytes) -> Any:
    from wandb.proto import wandb_internal_pb2

    record = wandb_internal_pb2.Record()
    record.ParseFromString(data)
    return record


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
