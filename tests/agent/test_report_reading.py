"""Run folders that are damaged, cut short or hostile: reported as far as they go."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic_episodes import answer, episode, measured
from synthetic_runs import HOSTILE, answer_row, answers, hostile_run, make_run

from igs_agent.reporting import Report, make_report
from igs_agent.reporting.gain import by_brought
from igs_agent.reporting.groups import group_runs
from igs_agent.reporting.load import read_run
from igs_agent.tracking.contract import RunFolderError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("whole") / "run-0")


def copied(run: Path, target: Path) -> Path:
    for path in run.rglob("*"):
        if path.is_file():
            place = target / path.relative_to(run)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    return target


def test_a_whole_run_misses_nothing(whole: Path) -> None:
    assert read_run(whole).problems == ()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("config.toml", "config.toml is missing: how the run was set up is not known"),
        ("metrics.jsonl", "metrics.jsonl is missing"),
        ("timings.jsonl", "timings.jsonl is missing"),
        ("episodes.jsonl", "episodes.jsonl is missing"),
    ],
)
def test_a_missing_file_is_named_and_the_rest_is_read(
    whole: Path, tmp_path: Path, name: str, problem: str
) -> None:
    run = copied(whole, tmp_path / "run")
    (run / name).unlink()
    found = read_run(run)
    assert found.problems == (problem,)
    assert len(found.updates) == (0 if name == "metrics.jsonl" else 4)
    assert found.episodes.count == (0 if name == "episodes.jsonl" else 64)


@pytest.mark.parametrize("name", ["metrics.jsonl", "timings.jsonl", "episodes.jsonl"])
def test_a_half_written_last_line_is_left_out_and_said(
    whole: Path, tmp_path: Path, name: str
) -> None:
    run = copied(whole, tmp_path / "run")
    data = (run / name).read_bytes()
    (run / name).write_bytes(data[:-20])
    assert read_run(run).problems == (f"the last line of {name} is half written and was left out",)


BREAKS: dict[str, tuple[str, bytes, str]] = {
    "no JSON": ("metrics.jsonl", b"{oops\n", "line 7: no JSON"),
    "no object": ("timings.jsonl", b"[1]\n", "line 5: list, expected an object"),
    "no number": ("metrics.jsonl", b'{"update":9,"rollout/f1":"x"}\n', "rollout/f1 is no number"),
    "no update": ("metrics.jsonl", b'{"rollout/f1":1}\n', "it has no update"),
    "deep": ("metrics.jsonl", b"[" * 100_000 + b"\n", "no JSON"),
    "binary": ("episodes.jsonl", b"\x00\xff\xfe\n", "line 65: no JSON"),
    "steps": ("episodes.jsonl", b'{"update":0,"question":"q","steps":3}\n', "steps is not a list"),
    "gain": (
        "episodes.jsonl",
        b'{"update":0,"question":"q","steps":[{"gain":"big","log_prob_real":1}]}\n',
        "gain is str, expected a number",
    ),
    "question": ("episodes.jsonl", b'{"update":0,"steps":[]}\n', "it has no question"),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_a_broken_line_is_left_out_and_said(whole: Path, tmp_path: Path, kind: str) -> None:
    name, line, problem = BREAKS[kind]
    run = copied(whole, tmp_path / "run")
    with (run / name).open("ab") as file:
        file.write(line)
    (found,) = read_run(run).problems
    assert found.startswith(f"1 lines of {name} were left out: ")
    assert problem in found
    assert read_run(run).episodes.count == 64


def test_a_damaged_evaluation_counts_in_no_comparison(whole: Path, tmp_path: Path) -> None:
    run = copied(whole, tmp_path / "run")
    path = run / "dev" / "update-000004.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    found = read_run(run)
    assert set(found.answers) == {0}
    assert found.problems[-1] == (
        "update-000004.jsonl is not whole: it counts in no paired comparison"
    )


CUTS: dict[str, Callable[[Path], object]] = {
    "only settings": lambda run: [
        (run / name).unlink() for name in ("metrics.jsonl", "timings.jsonl", "episodes.jsonl")
    ],
    "only episodes": lambda run: [
        (run / name).unlink() for name in ("metrics.jsonl", "timings.jsonl", "config.toml")
    ],
    "empty files": lambda run: [path.write_bytes(b"") for path in run.rglob("*.*")],
    "first evaluation only": lambda run: [
        (run / "metrics.jsonl").write_text(
            (run / "metrics.jsonl").read_text().splitlines(keepends=True)[0]
        ),
        (run / "timings.jsonl").unlink(),
        (run / "episodes.jsonl").unlink(),
        (run / "dev" / "update-000004.jsonl").unlink(),
    ],
}


@pytest.mark.parametrize("kind", CUTS)
def test_what_is_left_of_a_run_makes_a_page_that_says_what_is_missing(
    whole: Path, tmp_path: Path, kind: str
) -> None:
    run = copied(whole, tmp_path / "run")
    CUTS[kind](run)
    report = make_report([run])
    assert report.missing
    assert not any(claim.allowed and "learn" in claim.question for claim in report.claims)
    page = report.html()
    assert "What is missing" in page
    assert any(section.absent for section in report.sections)


def test_a_run_that_goes_on_says_how_far_it_is(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", planned=100)
    assert "run: 4 of 100 updates are recorded: it is going on, or was stopped" in (
        make_report([run]).missing
    )


def test_what_is_no_run_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="there is no run folder"):
        make_report([tmp_path / "nowhere"])
    with pytest.raises(RunFolderError, match=r"holds no run.*run=…"):
        make_report([tmp_path])


def test_searches_are_sorted_by_which_gold_document_they_brought(tmp_path: Path) -> None:
    hops = [["d1"], ["d2", "d3"]]
    steps = [measured(1.0, documents=["d1"]), measured(2.0, documents=["d3", "d9"])]
    rows = [episode(*steps, measured(3.0, documents=["d9"]), answer("x"), gold_documents=hops)]
    (group,), _ = group_runs([read_run(make_run(tmp_path / "run", episodes=rows))])
    assert by_brought(group, None, "earlier").tolist() == [1.0]
    assert by_brought(group, 2, "last").tolist() == [2.0]
    assert by_brought(group, 3, "none").tolist() == [3.0]
    assert by_brought(group, 1, "none").tolist() == []


def test_each_wrong_answer_is_put_down_to_the_first_thing_that_was_missing(tmp_path: Path) -> None:
    rows = [
        answer_row(0, True),
        answer_row(1, False, retrieval_failed=True, truncated=True),
        answer_row(2, False, truncated=True),
        answer_row(3, False, searches=0, recall=0.0),
        answer_row(4, False, recall=0.0),
        answer_row(5, False, recall=0.5),
        answer_row(6, False, recall=1.0),
        answer_row(7, False, recall=None),
    ]
    run = make_run(tmp_path / "run", last=[*rows, *answers(0, 0)], first=answers(1, 2))
    assert [row.outcome for row in read_run(run).answers[4]] == [
        "right",
        "retrieval failed",
        "not answered",
        "nothing searched",
        "no gold document",
        "part of the gold",
        "gold, but wrong",
        "wrong",
    ]


class Elements(HTMLParser):
    """Names of elements and attributes, and the texts outside of the style sheet."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.text += data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return make_report([hostile_run(tmp_path_factory.mktemp("hostile") / "run")])


def test_hostile_text_is_shown_as_text(hostile: Report) -> None:
    page = hostile.html()
    elements = Elements()
    elements.feed(page)
    assert not {"script", "img", "iframe", "object", "foreignobject"} & elements.names
    assert not {name for name in elements.attributes if name.startswith("on")}
    assert "<script>document.title='taken'</script>" in elements.text
    assert "{{ 7 * 7 }}" in elements.text
    assert "⟨202E⟩txet⟨202C⟩" in elements.text
    assert "⟨0000⟩⟨001B⟩[31m" in elements.text
    assert not any(sign in page for sign in "\x00\x1b\u202e\ud800")
    assert "49" not in HOSTILE


def test_a_text_of_a_megabyte_is_cut_and_its_cut_is_shown(hostile: Report) -> None:
    page = hostile.html()
    assert "xxx…" in page
    assert len(page) < 1_000_000


def test_a_page_can_be_written_as_utf_8_whatever_it_holds(hostile: Report) -> None:
    assert json.dumps(hostile.html()).isascii()
    hostile.html().encode("utf-8")
