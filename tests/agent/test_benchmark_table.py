"""Several sets in one table: means over questions, averages over sets, rivals beside them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from small_policy import WORLD

from igs_agent.benchmark_table import benchmark_table
from igs_agent.cli import main
from igs_agent.evaluation import Evaluation, EvaluationRow, read_evaluation
from igs_agent.published import PUBLISHED, SETS
from igs_agent.statistics import bootstrap_interval, mean_of_means_interval
from igs_env.datasets.benchmarks import BENCHMARKS

BLANK = EvaluationRow(
    dataset="",
    question_id="q",
    question="Who?",
    kind="",
    hops=0,
    answer="",
    exact_match=0.0,
    f1=0.0,
    sub_exact_match=0.0,
    recall=None,
    searches=0,
    policy_tokens=0,
    valid_actions=1.0,
    truncated=False,
    retrieval_failed=False,
)


def rows(dataset: str, right: int, count: int, **changes: object) -> list[EvaluationRow]:
    return [
        replace(
            BLANK,
            dataset=dataset,
            question_id=str(number),
            exact_match=float(number < right),
            f1=float(number < right),
            **changes,  # type: ignore[arg-type]
        )
        for number in range(count)
    ]


def cells(table: str, first: str) -> list[str]:
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def two_sets() -> Evaluation:
    easy = rows("bamboogle", 3, 4, searches=1, policy_tokens=10)
    hard = rows("nq", 10, 40, searches=2, policy_tokens=30)
    return Evaluation(rows=(*easy, *hard))


def test_the_average_is_over_sets_and_not_over_questions() -> None:
    table = benchmark_table(two_sets())
    average = cells(table, "average of 2")
    assert average[1] == "44"
    # (10/40 + 3/4) / 2, where over questions it would be 13/44.
    assert average[2].startswith(f"{100 * (10 / 40 + 3 / 4) / 2:.1f} [")
    assert average[4:] == ["—", "1.50", "20.0", "0.0"]
    assert cells(table, "nq")[1:3] == ["40", _interval([1.0] * 10 + [0.0] * 30)]


def _interval(values: list[float]) -> str:
    found = bootstrap_interval(values)
    return f"{100 * found.mean:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def test_sets_stand_in_the_field_s_order_and_others_behind() -> None:
    evaluation = Evaluation(rows=(*two_sets().rows, *rows("atlas", 1, 2)))
    lines = benchmark_table(evaluation).splitlines()
    names = [line.split("|")[1].strip() for line in lines[2:5]]
    assert names == ["nq", "bamboogle", "atlas"]


def test_published_figures_are_averaged_over_the_same_sets() -> None:
    table = benchmark_table(two_sets())
    assert cells(table, "this run") == ["this run", "25.0", "75.0", "50.0", "—"]
    mr_search = f"{(47.7 + 34.4) / 2:.1f}"
    assert cells(table, "MR-Search") == ["MR-Search", "47.7", "34.4", mr_search, "41.4"]
    # What a paper does not state is blank, and so is an average that would need it.
    assert cells(table, "IG-Search") == ["IG-Search", "", "~42.4", "", "43.0"]
    assert cells(table, "AutoRefine")[3] == ""


def test_with_all_seven_sets_our_average_stands_beside_the_published_ones() -> None:
    everything = Evaluation(rows=tuple(row for name in SETS for row in rows(name, 1, 2)))
    assert cells(benchmark_table(everything), "this run")[-2:] == ["50.0", "50.0"]


def test_gigpo_s_figure_comes_with_its_caveat() -> None:
    table = benchmark_table(two_sets())
    mark = re.search(r"\| GiGPO (\[\d\]) \|", table)
    assert mark
    assert f"{mark[1]} GiGPO: Bamboogle is a mean of two batch means" in table
    assert "over items it is 28.8, and the average 37.0" in table


@pytest.mark.parametrize(
    "name", [name for name, figures in PUBLISHED.items() if len(figures.exact_match) == 7]
)
def test_a_published_average_is_that_of_its_sets(name: str) -> None:
    figures = PUBLISHED[name]
    assert sum(figures.exact_match.values()) / 7 == pytest.approx(figures.average, abs=0.051)


def test_gigpo_s_average_over_items_follows_from_the_item_level_figure() -> None:
    values = {**PUBLISHED["GiGPO"].exact_match, "bamboogle": 28.8}
    assert sum(values.values()) / 7 == pytest.approx(37.0, abs=0.051)


def test_published_sets_are_the_registered_benchmarks() -> None:
    assert set(SETS) == set(BENCHMARKS)
    assert all(set(figures.exact_match) <= set(SETS) for figures in PUBLISHED.values())


def test_sets_that_the_field_does_not_have_bring_no_published_table() -> None:
    assert "this run" not in benchmark_table(Evaluation(rows=tuple(rows("atlas", 1, 2))))


def test_failed_retrievals_are_told_and_count_nowhere() -> None:
    failed = [replace(row, retrieval_failed=True) for row in rows("nq", 0, 3)]
    table = benchmark_table(Evaluation(rows=(*failed, *two_sets().rows)))
    assert "3 episodes ended by a failed retrieval and do not count." in table


def test_the_interval_of_an_average_resamples_within_sets() -> None:
    constant = mean_of_means_interval([[1.0] * 5, [0.0] * 50])
    assert (constant.mean, constant.low, constant.high, constant.n) == (0.5, 0.5, 0.5, 55)
    one = [1.0, 0.0, 0.0, 1.0, 1.0]
    assert mean_of_means_interval([one]) == bootstrap_interval(one)
    with pytest.raises(ValueError, match="every group"):
        mean_of_means_interval([one, []])


def benchmark_files(folder: Path) -> Path:
    """Copies of two benchmarks, as large as the loader wants them: 125 questions and 2,417."""
    for name, split, count in (("bamboogle", "test", 125), ("musique", "dev", 2417)):
        (folder / name).mkdir(parents=True)
        rows = [
            {"id": f"{name}-{number}", "question": f"Who is {number}?", "golden_answers": ["x"]}
            for number in range(count)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / name / f"{split}.jsonl").write_text(text, encoding="utf-8")
    return folder


def igs_eval(*arguments: object) -> int:
    return main(["eval", *map(str, arguments), "--device", "cpu"])


def test_several_sets_are_played_and_kept_one_file_each(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    searcher_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    data = benchmark_files(tmp_path / "data")
    shape = ("--protocol", "plain", "--max-searches", 1, "--top-k", 1, "--max-tokens", 16)
    sets = ("--sets", "musique", "bamboogle", WORLD, "--data", data, "--corpus", WORLD)
    assert igs_eval("--policy", searcher_folder, *sets, *shape, "--limit", 3) == 0
    out = capsys.readouterr().out
    for name, count in (("musique", "3"), ("bamboogle", "3"), (WORLD, "3"), ("average of 3", "9")):
        assert cells(out, name)[1] == count
    assert "(dev), bamboogle" in out
    files = sorted(path.name for path in (tmp_path / "evaluations").iterdir())
    label = searcher_folder.name
    assert files[:1] == [f"{label}-bamboogle-test.jsonl"]
    assert len(files) == 3
    row = read_evaluation(tmp_path / "evaluations" / files[0]).rows[0]
    assert (row.dataset, row.question_id.partition("-")[0]) == ("bamboogle", "bamboogle")


def test_a_set_that_is_not_there_is_found_before_the_first_episode(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, searcher_folder: Path
) -> None:
    sets = ("--sets", "bamboogle", "nq", "--data", benchmark_files(tmp_path), "--corpus", WORLD)
    assert igs_eval("--policy", searcher_folder, *sets) == 2
    assert "has no test split of nq" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sets", "nq", "--questions", "nq"), "not both"),
        (("--data", "x"), "--data says where --sets lie"),
    ],
)
def test_contradictions_are_refused(
    capsys: pytest.CaptureFixture[str],
    searcher_folder: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert igs_eval("--policy", searcher_folder, *arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["closed-book", "rag", "question"])
def test_a_baseline_is_one_flag_with_rows_of_its_own(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    searcher_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("--questions", WORLD, "--protocol", "plain", "--limit", 4, "--max-tokens", 16)
    assert igs_eval("--policy", searcher_folder, *arguments, "--baseline", name) == 0
    assert f"greedy, baseline {name}" in capsys.readouterr().out
    (path,) = (tmp_path / "evaluations").iterdir()
    assert path.stem.endswith(f"-dev-{name}")
    searches = {row.searches for row in read_evaluation(path).rows}
    assert searches == ({0} if name == "closed-book" else {1})
