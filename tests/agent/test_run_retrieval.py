"""Runs whose searches are recorded, replayed and, too many of them, fail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from small_policy import run_settings, small_task

from igs_agent import run_evaluation
from igs_agent.config import RetrievalConfig, TrainConfig
from igs_agent.config_file import load_config
from igs_agent.run_retrieval import RetrievalOutageError
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train
from igs_agent.weights import WEIGHTS
from igs_env.errors import RecordingError, RetrievalError
from igs_env.retrievers import Retriever
from igs_env.retrievers.contract import all_found
from igs_env.types import Document


class Flaky:
    """A retriever that fails at every `every`-th query, until `until`."""

    def __init__(self, inner: Retriever, *, every: int, until: int = 10**9) -> None:
        self.inner, self.every, self.until, self.asked = inner, every, until, 0

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        return all_found(self, [self.one(query, top_k) for query in queries])

    def one(self, query: str, top_k: int) -> tuple[Document, ...] | RetrievalError:
        self.asked += 1
        if self.asked % self.every == 0 and self.asked < self.until:
            return RetrievalError(f"no answer to search {self.asked}")
        return self.inner.search([query], top_k)[0]


CURRENT: dict[str, Flaky] = {}


def flaky(corpus: object, name: str) -> Flaky:
    """Named in configurations, which hold no live objects."""
    del corpus
    return CURRENT[name]


def config_of(run: Path, policy: Path, *more: str) -> TrainConfig:
    return load_config(None, run_settings(run, policy, *more))


def bytes_of(run: Path, update: int = 2) -> list[bytes]:
    names = ("metrics.jsonl", "episodes.jsonl", f"checkpoints/update-{update:06d}/{WEIGHTS}")
    return [(run / name).read_bytes() for name in names]


def with_flaky(name: str, **options: int) -> list[str]:
    CURRENT[name] = Flaky(small_task().rules.retriever, **options)
    return [f"env.retriever={__name__}:flaky", f'env.retriever_kwargs.name="{name}"']


def test_a_replay_repeats_the_run_byte_for_byte_failures_included(
    tmp_path: Path, searcher_folder: Path
) -> None:
    live = tmp_path / "live"
    retriever = with_flaky("live", every=5)
    train(config_of(live, searcher_folder, "retrieval.record=true", *retriever))
    failed = [
        row["rollout/retrieval_failed"]
        for row in read_jsonl(live / "metrics.jsonl")
        if "rollout/retrieval_failed" in row
    ]
    assert max(failed) > 0
    asked = CURRENT["live"].asked
    train(config_of(tmp_path / "again", searcher_folder, f"retrieval.replay={live}", *retriever))
    assert CURRENT["live"].asked == asked
    assert bytes_of(tmp_path / "again") == bytes_of(live)


def test_a_replay_that_is_resumed_goes_on_at_the_right_answers(
    tmp_path: Path, searcher_folder: Path
) -> None:
    live, again = tmp_path / "live", tmp_path / "again"
    retriever = with_flaky("live", every=5)
    longer = ("updates=4", *retriever)
    train(config_of(live, searcher_folder, "retrieval.record=true", *longer))
    replay = f"retrieval.replay={live}"
    train(config_of(again, searcher_folder, replay, *longer, "updates=2"))
    with (again / "retrieval.jsonl").open("ab") as file:  # what a kill leaves behind
        file.write((live / "retrieval.jsonl").read_bytes()[-300:])
    train(config_of(again, searcher_folder, replay, *longer), resume=True)
    assert bytes_of(again, 4) == bytes_of(live, 4)


def test_a_replay_of_another_run_ends_at_the_first_query_that_it_lacks(
    tmp_path: Path, searcher_folder: Path
) -> None:
    train(config_of(tmp_path / "live", searcher_folder, "retrieval.record=true", "updates=1"))
    config = config_of(
        tmp_path / "other", searcher_folder, f"retrieval.replay={tmp_path / 'live'}", "seed=7"
    )
    with pytest.raises(RecordingError, match="is not in the recording"):
        train(config)


def test_too_many_failed_searches_stop_the_run_which_then_goes_on_as_if_they_had_not(
    tmp_path: Path, searcher_folder: Path
) -> None:
    calm, run = tmp_path / "calm", tmp_path / "run"
    train(config_of(calm, searcher_folder, "updates=1"))
    retriever = with_flaky("run", every=1)
    config = config_of(run, searcher_folder, "updates=1", "retrieval.max_failed=0.1", *retriever)
    with pytest.raises(RetrievalOutageError, match=r"update 0: .* of the rollouts.*0\.1 allows"):
        train(config)
    CURRENT["run"].every = 10**9
    train(config, resume=True)
    assert bytes_of(run, 1) == bytes_of(calm, 1)


def test_an_evaluation_that_failed_searches_stopped_is_made_up_for(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm, run = tmp_path / "calm", tmp_path / "run"
    train(config_of(calm, searcher_folder))

    def outage(config: RetrievalConfig, failed: float, where: str) -> None:
        if where == "the evaluation after 1 updates":
            raise RetrievalOutageError("the server is gone")

    with monkeypatch.context() as patched:
        patched.setattr(run_evaluation, "check_outage", outage)
        with pytest.raises(RetrievalOutageError):
            train(config_of(run, searcher_folder))
    train(config_of(run, searcher_folder), resume=True)
    rows = "dev/update-000001.jsonl"
    assert (run / rows).read_bytes() == (calm / rows).read_bytes()
    assert bytes_of(run) == bytes_of(calm)


def test_rollouts_that_a_failed_search_ended_are_counted_and_not_trained_on(
    tmp_path: Path, searcher_folder: Path
) -> None:
    run = tmp_path / "run"
    train(config_of(run, searcher_folder, *with_flaky("some", every=4), "updates=1"))
    rows = [json.loads(line) for line in (run / "episodes.jsonl").read_text().splitlines()]
    failed = [row for row in rows if row["retrieval_failed"]]
    assert failed
    assert all(step["credit"] == 0 for row in failed for step in row["steps"])
    metrics = [r for r in read_jsonl(run / "metrics.jsonl") if "update/tokens" in r]
    trained = sum(
        sum(turn[1] - turn[0] for turn in row["turns"])
        for row in rows
        if not row["retrieval_failed"]
    )
    assert metrics[0]["update/tokens"] == trained
    assert metrics[0]["rollout/retrieval_failed"] == len(failed) / len(rows)
