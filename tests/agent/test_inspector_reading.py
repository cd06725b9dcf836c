"""The inspector reads what a run folder holds, and says what it lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from synthetic_episodes import answer, episode, many, measured, step, write_run

from igs_agent.inspector import open_inspector
from igs_agent.inspector.episode_file import EpisodeFile
from igs_agent.inspector.index import index_page
from igs_agent.inspector.rows import as_dict, read_row
from igs_agent.inspector.summary import LONGEST, summarise
from igs_agent.tracking.jsonl import json_line, read_jsonl
from igs_env.errors import ConfigurationError, DataError


def read(folder: Path) -> EpisodeFile:
    file = EpisodeFile(folder / "episodes.jsonl")
    while file.advance():
        pass
    return file


def test_rows_of_a_real_run_are_read_as_they_were_written(small_run: Path) -> None:
    file = read(small_run)
    written = list(read_jsonl(small_run / "episodes.jsonl"))
    assert len(file) == len(written) == 2 * 3 * 3
    for index, row in enumerate(written):
        found = as_dict(file.row(index))
        found["steps"] = [
            {key: value for key, value in as_dict(each).items() if key in before}
            for each, before in zip(file.row(index).steps, row["steps"], strict=True)
        ]
        assert json.loads(json.dumps(found)) == row
    assert file.problems() == []


def test_a_last_line_that_a_crash_cut_off_is_left_out_and_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path, many(3))
    whole = (folder / "episodes.jsonl").read_bytes()
    (folder / "episodes.jsonl").write_bytes(whole[:-10])
    file = read(folder)
    assert len(file) == 2
    lost = len(whole.splitlines(keepends=True)[2]) - 10
    assert file.problems() == [
        f"the last line of episodes.jsonl is half written ({lost:,} bytes) and was left out"
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[1]", "list, expected an object"),
        ("[" * 100_000, "no JSON"),
        ("1" * 5000, "no JSON"),
        ('{"update": 1}', "it has no question or no steps"),
        ('{"question": 5, "steps": []}', "question is int, expected text"),
        ('{"question": "a", "steps": "b"}', "steps is str, expected a list"),
        ('{"question": "a", "steps": [3]}', "steps is int, expected a list of objects"),
        ('{"question": "a", "steps": [], "reward": "1"}', "reward is str, expected a number"),
        ('{"question": "a", "steps": [], "reward": true}', "reward is bool, expected a number"),
        ('{"question": "a", "steps": [], "turns": [[0, 1, 1, 0, 0]]}', "1 turns for 0 steps"),
        ('{"question": "a", "steps": [{}], "turns": [[0, 2, 2, 0, 0]]}', "does not fit 0 tokens"),
        (
            '{"question": "a", "steps": [{}], "tokens": [4], "turns": [[0, 1, 1, 0, 0]]}',
            "0 log_probs for 1 tokens",
        ),
    ],
)
def test_a_line_that_is_no_episode_is_left_out_with_its_number(
    tmp_path: Path, line: str, reason: str
) -> None:
    folder = write_run(tmp_path, many(2))
    first, second = (folder / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "episodes.jsonl").write_bytes(first + line.encode() + b"\n" + second)
    file = read(folder)
    assert len(file) == 2
    (problem,) = file.problems()
    assert problem.startswith("1 lines of episodes.jsonl were left out: line 2: ")
    assert reason in problem


def test_bytes_that_are_no_text_are_left_out(tmp_path: Path) -> None:
    folder = write_run(tmp_path, many(1))
    with (folder / "episodes.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\x00\n")
    assert "line 2: no JSON" in read(folder).problems()[0]


def test_numbers_that_are_not_finite_count_as_not_measured(tmp_path: Path) -> None:
    row = json.dumps(episode(measured(1.0)) | {"reward": float("nan"), "f1": float("inf")})
    found = read_row(json.loads(row))
    assert (found.reward, found.f1) == (None, None)


def test_keys_that_older_runs_did_not_write_get_defaults() -> None:
    found = read_row({"question": "Who?", "steps": [{"action": "search"}]})
    assert (found.update, found.reward, found.answers) == (0, None, ())
    assert (found.steps[0].searched, found.steps[0].gain, found.steps[0].credit) == (False, None, 0)


def test_rows_that_come_later_are_read_on(tmp_path: Path) -> None:
    folder = write_run(tmp_path, many(8))
    file = read(folder)
    assert (len(file), file.generation) == (8, 0)
    with (folder / "episodes.jsonl").open("ab") as writer:
        writer.writelines(json_line(row) for row in list(many(12))[8:])
    file.advance()
    assert (len(file), file.generation) == (12, 0)
    assert file.row(11).id == list(many(12))[11]["id"]


def test_a_half_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    folder = write_run(tmp_path, many(2))
    whole = (folder / "episodes.jsonl").read_bytes()
    (folder / "episodes.jsonl").write_bytes(whole[:-1])
    file = read(folder)
    assert (len(file), len(file.problems())) == (1, 1)
    (folder / "episodes.jsonl").write_bytes(whole)
    file.advance()
    assert (len(file), file.problems()) == (2, [])


def test_a_file_that_a_resumed_run_cut_back_is_read_anew(tmp_path: Path) -> None:
    folder = write_run(tmp_path, many(20))
    file = read(folder)
    write_run(folder, many(12))
    file.advance()
    assert (len(file), file.generation) == (12, 1)


def test_a_file_that_was_cut_back_and_has_grown_past_is_read_anew(tmp_path: Path) -> None:
    folder = write_run(tmp_path, many(20))
    file = read(folder)
    write_run(folder, many(40, seed=1))
    file.advance()
    assert (len(file), file.generation) == (40, 1)
    assert file.row(0).reward == next(many(1, seed=1))["reward"]


def test_a_row_that_has_changed_is_not_shown_as_another(tmp_path: Path) -> None:
    folder = write_run(tmp_path, many(20))
    file = read(folder)
    write_run(folder, many(20, seed=1))
    with pytest.raises(DataError, match="has changed; load the page again"):
        file.row(3)


def test_a_large_file_is_read_in_steps(tmp_path: Path) -> None:
    folder = write_run(tmp_path, many(100))
    file = EpisodeFile(folder / "episodes.jsonl")
    assert file.advance(budget=2000)
    assert 0 < len(file) < 100
    while file.advance(budget=2000):
        pass
    assert len(file) == 100


def test_a_summary_adds_up_the_gains_and_keeps_long_texts_short() -> None:
    row = episode(measured(0.5), measured(-0.25), answer("x" * 1000), question="y" * 1000)
    found = summarise(read_row(row))
    assert found.gain == 0.5 - 0.25
    assert (len(found.question), len(found.answer or "")) == (LONGEST + 1, LONGEST + 1)
    assert (found.searches, found.documents) == (2, ("d1",))


def test_credit_is_the_greatest_of_any_token() -> None:
    row = episode(step(credit=0.5, query_credit=-2.0), step(credit=-0.75))
    assert summarise(read_row(row)).credit == abs(0.5 - 2.0)


def columns(rows: list[dict[str, Any]], since: int, count: int) -> dict[str, Any]:
    return index_page([summarise(read_row(row)) for row in rows], since, count)


def test_pages_of_the_list_hold_whole_groups() -> None:
    rows = list(many(24))
    page = columns(rows, 0, 10)
    assert (page["start"], len(page["columns"]["id"])) == (0, 16)
    page = columns(rows, 16, 10)
    assert page["columns"]["id"] == [row["id"] for row in rows[16:]]
    assert columns(rows, 24, 10) == {"start": 24, "columns": {name: [] for name in page["columns"]}}


def test_a_group_that_has_grown_is_told_again() -> None:
    rows = list(many(24))
    page = columns(rows, 12, 100)
    assert page["start"] == 8
    assert page["columns"]["id"] == [row["id"] for row in rows[8:]]


def test_a_folder_without_episodes_is_a_run_with_none(tmp_path: Path) -> None:
    write_run(tmp_path, [])
    (tmp_path / "episodes.jsonl").unlink()
    inspector = open_inspector(tmp_path)
    inspector.episodes.advance()
    assert "episodes.jsonl is missing: no episode has been recorded" in inspector.problems()
    assert inspector.block(0) == {"episodes": [], "documents": {}}


def test_a_folder_without_its_configuration_shows_its_episodes_and_says_so(tmp_path: Path) -> None:
    write_run(tmp_path, many(2))
    (tmp_path / "config.toml").write_text('[policy\npath = "')
    inspector = open_inspector(tmp_path)
    inspector.episodes.advance()
    assert len(inspector.block(0)["episodes"]) == 2
    problems = " ".join(inspector.problems())
    assert "config.toml cannot be read" in problems
    assert "the run's tokenizer is not at hand: outputs are shown as recorded text" in problems
    assert "no corpus of this run is known: documents are shown by their ids" in problems


def test_what_is_no_run_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no run folder"):
        open_inspector(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"neither config.toml nor episodes.jsonl is in it"):
        open_inspector(tmp_path)


def test_a_corpus_that_was_asked_for_and_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no corpus 'atlass' \\(did you mean 'atlas'"):
        open_inspector(write_run(tmp_path, []), "atlass")


def test_documents_are_looked_up_in_the_runs_own_corpus(small_run: Path) -> None:
    inspector = open_inspector(small_run)
    inspector.episodes.advance()
    block = inspector.block(0)
    named = {
        id
        for row in block["episodes"]
        for each in row["steps"]
        for ids in (each["documents"], *each["counterfactual_ids"])
        for id in ids
    }
    assert named <= set(block["documents"])
    assert len(named) > 3
    title, text = block["documents"][sorted(named)[0]]
    assert title
    assert text
