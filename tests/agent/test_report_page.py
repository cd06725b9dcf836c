"""The page that `igs report` writes: everything in it, the same bytes for the same runs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from synthetic_runs import answers, make_run

from igs_agent.cli import main
from igs_agent.reporting import Report, leave_report, make_report, write_figures
from igs_agent.reporting.curves import evaluation_curve, update_curve
from igs_agent.reporting.groups import group_runs
from igs_agent.reporting.load import read_run
from igs_agent.statistics import seed_interval

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two settings, three seeds each."""
    place = tmp_path_factory.mktemp("runs")
    return [
        make_run(
            place / f"{credit}-{seed}",
            seed=seed,
            credit=credit,
            last=answers(20 + seed + 4 * (credit == "ig_search")),
        )
        for credit in ("grpo", "ig_search")
        for seed in range(3)
    ]


@pytest.fixture(scope="module")
def report(folders: list[Path]) -> Report:
    return make_report(folders)


def panels(report: Report) -> dict[str, str]:
    return {panel.name: panel.svg for section in report.sections for panel in section.panels}


def test_every_figure_that_a_report_owes_is_there(report: Report) -> None:
    assert set(panels(report)) == {
        "eval-exact_match",
        "eval-f1",
        "rollout-exact_match",
        "differences",
        "gain-search-1",
        "gain-search-2",
        "seconds",
        "tokens",
        "outcomes",
        "groups-all_fail_share",
        "groups-all_pass_share",
        "rollout-recall",
        "rollout-searches",
        "rollout-valid_actions",
        "rollout-truncated",
        "rollout-policy_tokens",
        "query-length",
        "update-kl",
        "update-clip_share",
        "update-grad_norm",
        "update-entropy",
    }


def test_every_figure_has_words_and_a_table(report: Report) -> None:
    for section in report.sections:
        for panel in section.panels:
            root = ElementTree.fromstring(panel.svg)
            title, words = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
            assert title is not None
            assert words is not None
            assert title.text == panel.title
            assert words.text == panel.words != ""
            assert root.get("role") == "img"
            named = (root.get("aria-labelledby") or "").split()
            assert named == [title.get("id"), words.get("id")]
            assert panel.table.rows, panel.name
            assert panel.title in report.html()


def test_no_two_elements_of_the_page_have_one_name(report: Report) -> None:
    names = re.findall(r"\bid=\"([^\"]+)\"", report.html())
    assert len(names) == len(set(names))
    used = set(re.findall(r"(?:url\(#|xlink:href=\"#)([^)\"]+)", report.html()))
    assert used <= set(names)


def test_the_page_fetches_nothing_and_runs_nothing(report: Report) -> None:
    page = report.html()
    assert not re.search(r"<script|<link(?! rel=\"icon\" href=\"data:,\")|@import|url\((?!#)", page)
    addresses = set(re.findall(r"https?://[^\s\"<]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "default-src 'none'" in page
    assert len(page.encode()) < 10_000_000


def test_the_same_runs_make_the_same_bytes(report: Report, folders: list[Path]) -> None:
    assert make_report(folders).html() == report.html()


def test_colours_of_a_page_are_variables_and_those_of_a_file_are_not(report: Report) -> None:
    svg = panels(report)["eval-exact_match"]
    assert "#0072b2" in svg
    assert "var(" not in svg
    inline = re.search(r"<figure id=\"figure-eval-exact_match\">.*?</figure>", report.html(), re.S)
    assert inline is not None
    assert not re.search(r"#[0-9a-f]{6}\b", inline[0])
    assert "var(--series-0)" in inline[0]


def test_groups_differ_in_line_style_and_marker_too(report: Report) -> None:
    svg = panels(report)["eval-exact_match"]
    styles = re.findall(r"style=\"(fill: none;[^\"]*)\"", svg)
    dashes = {
        colour: any("stroke-dasharray" in each for each in styles if colour in each)
        for colour in ("#0072b2", "#d55e00")
    }
    assert dashes == {"#0072b2": False, "#d55e00": True}


def test_runs_of_one_setting_are_one_group_with_a_band_over_their_seeds(
    folders: list[Path],
) -> None:
    groups, left_out = group_runs([read_run(folder) for folder in folders])
    assert [(group.label, len(group.runs)) for group in groups] == [("grpo", 3), ("ig_search", 3)]
    assert left_out == []
    curve = evaluation_curve(groups[0], "exact_match")
    assert curve is not None
    expected = seed_interval([20 / 40, 21 / 40, 22 / 40])
    last = curve.points[-1]
    assert (last.x, last.mean) == (4, pytest.approx(21 / 40))
    assert (last.low, last.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert curve.band == "95 % over 3 seeds"


def test_one_seed_has_its_band_over_questions_and_says_so(folders: list[Path]) -> None:
    (group,), _ = group_runs([read_run(folders[0])])
    curve = evaluation_curve(group, "exact_match")
    assert curve is not None
    assert curve.band == "95 % over questions, one seed"
    assert curve.points[0].low is not None
    assert curve.points[0].low < 10 / 40


def test_more_updates_than_points_are_averaged(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", updates=100, episodes=[])
    (group,), _ = group_runs([read_run(run)])
    curve = update_curve(group, "rollout/recall")
    assert curve is not None
    assert [point.x for point in curve.points] == [1.5 + 4 * n for n in range(25)]


def test_settings_that_differ_are_listed_and_no_others(report: Report) -> None:
    (tables,) = (dict(s.tables) for s in report.sections if s.id == "set-up")
    assert tables["Settings that differ"].rows == (("credit.name", "grpo", "ig_search"),)


def test_differences_are_paired_by_seed_and_by_question(report: Report) -> None:
    (section,) = (s for s in report.sections if s.id == "comparison")
    ((caption, table),) = section.tables
    assert caption == "ig_search against grpo: after 4 updates, 3 common seeds"
    row = table.rows[0]
    # Every seed is better by 4 of 40 questions, so its interval has no width.
    assert row[:4] == ("exact match", "0.525", "0.625", "+0.100 [+0.100, +0.100]")
    assert row[4].startswith("+0.100 [+0.0")


def test_the_cost_is_the_mean_update_and_the_part_of_the_gain(report: Report) -> None:
    (section,) = (s for s in report.sections if s.id == "cost")
    ((_, table),) = section.tables
    seconds, tokens = 2.0 + 1.0 + 1.0, 1000 + 3000 + 1000
    assert table.rows[0][2:] == (f"{seconds:.3f}", "25.0 %", f"{tokens:,}", "60.0 %")


def test_figures_are_files_that_stand_alone(report: Report, tmp_path: Path) -> None:
    count = write_figures(report, tmp_path / "figures")
    files = sorted((tmp_path / "figures").glob("*.svg"))
    assert count == len(files) == len(panels(report))
    for file in files:
        ElementTree.parse(file)
        assert "var(" not in file.read_text(encoding="utf-8")


def test_the_command_writes_the_page_and_prints_the_claims(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "here" / "page.html"
    status = main(["report", *map(str, folders), "--output", str(target)])
    said = capsys.readouterr().out
    assert status == 0
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "Is ig_search better than grpo? Yes, on these questions: " in said
    assert f"report in {target}" in said


def test_a_run_s_own_report_lies_in_its_folder(folders: list[Path]) -> None:
    assert leave_report(folders[0]) == folders[0] / "report.html"
    assert (folders[0] / "report.html").stat().st_size < 2_000_000


def test_a_folder_that_holds_no_run_is_a_mistake_that_the_command_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err
