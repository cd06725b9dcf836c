"""JSONL files: equal runs write equal bytes, and whatever happens leaves whole lines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from faults import no_file_larger_than

from igs_agent.tracking import FILES, JsonlTracker, RunFolderError, read_jsonl, write_jsonl
from igs_agent.tracking.jsonl import json_line
from igs_env.errors import DataError


def test_numbers_are_written_as_python_writes_them_whatever_library_they_come_from() -> None:
    row = {"a": np.float64(0.1), "b": np.int64(3), "c": torch.tensor(0.5), "d": np.bool_(True)}
    assert json_line(row) == b'{"a":0.1,"b":3,"c":0.5,"d":true}\n'


def test_the_order_of_keys_does_not_matter() -> None:
    assert json_line({"b": 1, "a": {"d": 1, "c": 2}}) == json_line({"a": {"c": 2, "d": 1}, "b": 1})


def test_numbers_that_json_lacks_become_null() -> None:
    row = {"a": [float("nan"), 1.0], "b": {"c": -float("inf")}, "d": np.float32("inf")}
    assert json_line(row) == b'{"a":[null,1.0],"b":{"c":null},"d":null}\n'


def test_any_text_that_a_model_writes_survives() -> None:
    text = 'half a pair \ud83d, a line\nbreak, \u2028, NUL \x00, "quotes", 中文 🎬'
    line = json_line({"output": text})
    assert line.count(b"\n") == 1
    assert json.loads(line.decode("utf-8"))["output"] == text


def test_what_json_cannot_hold_is_an_error_and_not_a_string() -> None:
    with pytest.raises(TypeError, match="set cannot be written as JSON"):
        json_line({"a": {1, 2}})


def test_rows_are_on_disk_as_soon_as_they_are_reported(tmp_path: Path) -> None:
    tracker = JsonlTracker(tmp_path, {})
    tracker.metrics(0, {"rollout/reward": 0.5})
    tracker.episodes(0, [{"id": "a"}, {"id": "b"}])
    tracker.timings(0, {"rollout": 1.5, "update": 0.5})
    found = {name: list(read_jsonl(tmp_path / name)) for name in FILES}
    assert found == {
        "metrics.jsonl": [{"update": 0, "rollout/reward": 0.5}],
        "episodes.jsonl": [{"update": 0, "id": "a"}, {"update": 0, "id": "b"}],
        "timings.jsonl": [{"update": 0, "seconds/rollout": 1.5, "seconds/update": 0.5}],
    }


def test_a_resumed_run_writes_the_bytes_of_one_that_was_not_interrupted(tmp_path: Path) -> None:
    def report(tracker: JsonlTracker, *updates: int) -> None:
        for update in updates:
            tracker.metrics(update, {"x": update / 3})
            tracker.episodes(update, [{"id": str(update)}] * 2)

    whole = JsonlTracker(tmp_path / "whole", {})
    report(whole, 0, 1, 2, 3)

    first = JsonlTracker(tmp_path / "cut", {})
    report(first, 0, 1)
    offsets = first.offsets()
    report(first, 2)  # killed before the next checkpoint
    resumed = JsonlTracker(tmp_path / "cut", offsets)
    report(resumed, 2, 3)

    for name in FILES:
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_file_that_lost_rows_is_named_and_not_filled_with_zeros(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = JsonlTracker(tmp_path, {"metrics.jsonl": 1_000})
    tracker.metrics(5, {"x": 1})
    assert "metrics.jsonl has 0 bytes, fewer than the 1000" in caplog.text
    assert list(read_jsonl(tmp_path / "metrics.jsonl")) == [{"update": 5, "x": 1}]


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [json_line({"row": number}) for number in range(3)]
    whole = b"".join(lines)
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        expected = [{"row": number} for number in range(whole[:length].count(b"\n"))]
        assert list(read_jsonl(path)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\nbroken\n{"a": 2}\n', "line 2 is no JSON"),
        (b"[1]\n", "line 1 is list, expected an object"),
        (b"\xff\xfe\n", "line 1 is no JSON"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_jsonl(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.jsonl cannot be read: No such file"):
        list(read_jsonl(tmp_path / "absent.jsonl"))


def test_a_full_disk_leaves_whole_lines_and_says_how_to_go_on(tmp_path: Path) -> None:
    tracker = JsonlTracker(tmp_path, {})
    tracker.episodes(0, [{"text": "x" * 100}] * 10)
    before = (tmp_path / "episodes.jsonl").read_bytes()
    with (
        no_file_larger_than(len(before) + 500),
        pytest.raises(RunFolderError, match=r"could not be written: .*--resume run="),
    ):
        tracker.episodes(1, [{"text": "x" * 100}] * 10)
    assert (tmp_path / "episodes.jsonl").read_bytes() == before
    tracker.episodes(1, [{"text": "space again"}])
    tracker.close()
    assert [row["update"] for row in read_jsonl(tmp_path / "episodes.jsonl")] == [0] * 10 + [1]


def test_a_run_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(RunFolderError, match="choose another with run="):
        JsonlTracker(tmp_path / "run", {})


def test_a_file_of_rows_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rows.jsonl"
    write_jsonl(path, [{"a": 1}, {"a": 2}])
    assert list(read_jsonl(path)) == [{"a": 1}, {"a": 2}]
    with pytest.raises(TypeError):
        write_jsonl(path, [{"a": set()}])
    assert list(read_jsonl(path)) == [{"a": 1}, {"a": 2}]
    assert [file.name for file in path.parent.iterdir()] == ["rows.jsonl"]
