"""The credit benchmark: what its figures are, and that a row of one's own takes one command."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "agent")]

from small_policy import small_searcher  # noqa: E402

from benchmarks.quality import (  # noqa: E402
    credit,
    credit_ablations,
    credit_regimes,
    credit_run,
    credit_tuning,
    credit_variants,
    micro,
)
from benchmarks.quality.credit_run import Row  # noqa: E402
from benchmarks.quality.fidelity_figures import auc_within, pooled_auc, spearman  # noqa: E402
from igs_agent.config_file import load_config  # noqa: E402
from igs_agent.credit.example import table  # noqa: E402
from igs_agent.credit.ig_search import IGSearch  # noqa: E402
from igs_agent.statistics import seed_interval  # noqa: E402
from igs_agent.weights import write_weights  # noqa: E402
from igs_env.datasets import open_corpus  # noqa: E402
from igs_env.types import Document  # noqa: E402

OWN = """
from igs_agent.credit import Credit, make_estimator

def estimate(steps):
    return make_estimator("grpo")(steps)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that holds a policy for one regime, small enough for seconds."""
    policy = tmp_path / micro.policy_folder("two-hops")
    policy.mkdir(parents=True)
    write_weights(small_searcher(), policy)
    (policy / "warmstart.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    small = ("rollout.questions=2", "rollout.group_size=2", "evaluation.questions=4")
    monkeypatch.setattr(micro, "SIZE", small)
    monkeypatch.setattr(credit_run, "TEST_QUESTIONS", 4)
    yield tmp_path
    sys.modules.pop("mine", None)


def start(monkeypatch: pytest.MonkeyPatch, *methods: str) -> list[Row]:
    command = ["credit", "--regimes", "two-hops", "--seeds", "0", "--updates", "1"]
    monkeypatch.setattr(sys, "argv", [*command, "--methods", *methods])
    credit.main()
    return credit.read_rows(credit.OUTPUT)


def test_an_estimator_of_ones_own_gets_its_row_and_no_row_is_made_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.py").write_text(OWN)
    first = [row for row in start(monkeypatch, "grpo", "mine:estimate") if row.seed == 0]
    assert {row.method for row in first} == {"grpo", "mine:estimate"}
    ours, theirs = first
    assert (ours.curve, ours.test_em, ours.tokens) == (theirs.curve, theirs.test_em, theirs.tokens)
    assert not any((micro.FOLDER / "runs").iterdir())
    assert capsys.readouterr().out.startswith(
        "tuning first, in two-hops on seed 100: two-hops-grpo"
    )
    assert len(start(monkeypatch, "grpo", "mine:estimate")) == len(credit_tuning.RATES) + 2
    assert capsys.readouterr().out == ""
    committed = json.loads(credit.OUTPUT.read_text())["rows"]
    assert {row["method"] for row in committed} == {"grpo"}


def test_a_changed_estimator_gets_a_new_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine.py").write_text(OWN)
    (before,) = [row for row in start(monkeypatch, "mine:estimate") if row.seed == 0]
    (folder / "mine.py").write_text(OWN.replace("grpo", "rloo"))
    assert [row.method for row in credit.stale_rows(credit.OUTPUT)] == ["mine:estimate"]
    sys.modules.pop("mine")
    (after,) = [row for row in start(monkeypatch, "mine:estimate") if row.seed == 0]
    assert before.source != after.source
    assert not credit.stale_rows(credit.OUTPUT)


def test_a_cooler_regime_differs_by_its_temperature_alone_and_atlas_is_the_recipe() -> None:
    warm, cool = (
        credit_regimes.REGIMES[name].config("grpo", 0, 30) for name in ("unseen", "unseen-cool")
    )
    assert (warm.rollout.temperature, cool.rollout.temperature) == (1.0, 0.5)
    assert replace(cool, rollout=warm.rollout) == warm
    assert replace(cool.rollout, temperature=1.0) == warm.rollout
    atlas = credit_regimes.REGIMES["atlas"].config("oracle", 3, 30, "credit.options.alpha=0.9")
    recipe = load_config("tiny-atlas", ["credit=oracle", "credit.options.alpha=0.9", "seed=3"])
    kept = {"updates": 30, "evaluation": atlas.evaluation, "checkpoint": atlas.checkpoint}
    assert replace(recipe, **kept) == atlas
    assert atlas.evaluation.questions == recipe.evaluation.questions


def a_row(**values: object) -> Row:
    row = dict.fromkeys(Row.__dataclass_fields__, 0)
    return Row(**{**row, "settings": [], "curve": [(0, 0.0), (1, 0.0)], **values})  # type: ignore[arg-type]


def test_tuning_comes_first_and_decides_then_all_methods_of_a_seed_before_the_next() -> None:
    args = argparse.Namespace(
        seeds=[0, 1], regimes=["two-hops"], methods=["grpo", "oracle"], settings=[], updates=2
    )
    rows: list[Row] = []
    areas = {"0.0003": 0.1, "0.001": 0.3, "0.9": 0.7}
    order = []
    for job in credit.jobs(args, lambda: rows):
        order.append((job.seed, job.method, job.settings))
        height = areas.get(job.settings[-1].partition("=")[2], 0.2)
        rows.append(
            a_row(
                regime=job.regime,
                method=job.method,
                settings=list(job.settings),
                seed=job.seed,
                updates=job.updates,
                curve=[(0, height), (2, height)],
            )
        )
    rate = "optim.learning_rate=0.001"
    chosen = (rate, "credit.options.alpha=0.9")
    alphas = [f"credit.options.alpha={weight * 0.3:g}" for weight in credit_tuning.WEIGHTS]
    assert order[:2] == [(100, "grpo", ("optim.learning_rate=0.0003",)), (100, "grpo", (rate,))]
    assert order[2:5] == [(100, "oracle", (rate, alpha)) for alpha in alphas]
    assert order[5:] == [
        (seed, method, settings)
        for seed in (0, 1)
        for method, settings in (("grpo", (rate,)), ("oracle", chosen))
    ]
    assert list(credit_tuning.named(rows[5:])) == [("two-hops", "grpo"), ("two-hops", "oracle")]


def test_the_area_is_the_mean_height_of_the_curve() -> None:
    found = a_row(curve=[(0, 0.0), (10, 0.5), (30, 0.5)])
    assert found.area == pytest.approx((10 * 0.25 + 20 * 0.5) / 30)


def test_auc_counts_pairs_and_within_questions_only_those_of_one() -> None:
    questions = [[(True, 2.0), (False, 1.0), (False, 2.0)], [(False, 9.0)]]
    assert pooled_auc(questions) == pytest.approx((1 + 0.5 + 0) / 3)
    assert auc_within(questions) == pytest.approx((1 + 0.5) / 2)
    assert spearman([[(True, 3.0), (False, 1.0), (False, 2.0)]]) == pytest.approx(0.75**0.5)


def test_tfidf_gain_is_what_no_earlier_search_had_brought() -> None:
    tfidf_gain = pytest.importorskip("benchmarks.quality.tfidf_gain", reason="needs scikit-learn")
    first, second, other = corpus = [
        Document(id=name, title=name, text=text)
        for name, text in (("a", "founder of port"), ("b", "river rule"), ("c", "none of these"))
    ]
    question = SimpleNamespace(gold_documents=(("a",), ("b",)))
    brought = [(other,), (first,), (first,), None, (second,), ()]
    steps = [SimpleNamespace(searched=d is not None, documents=d or ()) for d in brought]
    episode = SimpleNamespace(question=question, steps=steps)
    trajectory = SimpleNamespace(episode=episode, turns=[None] * len(steps))
    (found,) = tfidf_gain.TfidfGain(open_corpus(corpus))([trajectory])
    shared = found[0]  # "of", which the first document and the wrong one have in common
    assert 0 < shared < 0.5
    assert found == pytest.approx([shared, 0.5 - shared, 0, None, 0.5, 0], abs=1e-9)


def test_variants_change_one_thing() -> None:
    steps = table(
        outcome=[1.0, 0.0],
        group=[0, 0],
        gain=[[1.5, None], [-1.0, None]],
        answer_log_prob=[[-3.0, -1.0], [-2.0, -2.5]],
    )
    published = IGSearch()(steps)
    whole = credit_variants.whole_step(steps)
    assert torch.equal(whole.step + whole.query, published.step + published.query)
    assert not whole.query.any()
    alpha = IGSearch().alpha
    for variant, gains in (
        (credit_variants.no_baseline, [-1.0, -2.5]),
        (credit_variants.before_baseline, [2.0, -0.5]),
    ):
        found = variant(steps)
        assert torch.equal(found.step, published.step)
        expected = alpha * IGSearch().stabilised(torch.tensor(gains, dtype=torch.float64))
        assert found.query[:, 0].tolist() == pytest.approx((expected / 4).tolist())


def test_reports_give_exact_tests_and_bounded_probabilities() -> None:
    report = pytest.importorskip("benchmarks.quality.credit_statistics", reason="needs rliable")
    differences = [0.1, -0.02, 0.3, 0.2]
    sums = [
        abs(sum(s * abs(d) for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((-1, 1), repeat=4)
    ]
    seen = abs(sum(differences))
    assert report.sign_flip_test(differences) == np.mean([s >= seen - 1e-12 for s in sums])
    # Holm by hand: 3 × .01, then 2 × .03, and never less than what came before.
    assert report.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert report.holm([0.9, 0.8]) == [1.0, 1.0]
    first, second = np.array([0.4, 0.6]), np.array([0.4, 0.2])
    point, low, high = report.probability_of_improvement(first, second)
    assert point == (0.5 + 1 + 1 + 1) / 4
    assert 0 <= low <= point <= high <= 1
    assert report.probability_of_improvement(first, second) == (point, low, high)
    points = report.interquartile_means({"a": np.array([[0.0], [0.5], [0.5], [1.0]])})
    assert points["a"][0] == 0.5


def test_the_page_s_tables_are_those_of_the_committed_rows() -> None:
    report = pytest.importorskip("benchmarks.quality.credit_report", reason="needs rliable")
    records = json.loads((ROOT / credit.OUTPUT).read_text(encoding="utf-8"))["rows"]
    every = [credit_run.row_of(record) for record in records]
    rows = [row for row in every if row.seed < 10]
    assert not [row.method for row in rows if credit_run.is_own(row.method)]
    page = (ROOT / report.PAGE).read_text(encoding="utf-8")
    found = credit_tuning.named(rows)
    ablated = [f"ablations, {regime}" for regime in credit_ablations.REGIMES]
    for mark in ("map", *ablated, *report.by_regime(found)):
        assert f"<!-- {mark} -->" in page
    assert report.filled(page, found, report.confirmation_table(every)) == page


@pytest.mark.parametrize("page", ["README.md", "docs/document-belief.md"])
@pytest.mark.parametrize("method", ["document_belief", "ig_search", "grpo"])
def test_what_document_belief_is_said_to_do_is_what_was_measured(page: str, method: str) -> None:
    records = json.loads((ROOT / credit.OUTPUT).read_text(encoding="utf-8"))["rows"]
    rows = [row for row in map(credit_run.row_of, records) if row.seed < 10]
    runs = credit_tuning.named(rows)["unseen", method]
    found = seed_interval([row.test_em for row in runs])
    assert found.n == 10
    told = [f"{value:.3f}".lstrip("0") for value in (found.mean, found.low, found.high)]
    assert f"{told[0]} [{told[1]}, {told[2]}]" in (ROOT / page).read_text(encoding="utf-8")
