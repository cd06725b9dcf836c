"""Models, tokenizers and machines that are not as one would wish: what training does with them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scripted_generator import ScriptedGenerator
from small_policy import run_settings, small_policy, small_task
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from igs_agent import trainer
from igs_agent.cli import main
from igs_agent.config_file import load_config
from igs_agent.credit import make_estimator
from igs_agent.episodes import rollout_metrics
from igs_agent.gains import measure_gains
from igs_agent.generation import Request, Sampling, native
from igs_agent.generation.native import NativeGenerator
from igs_agent.out_of_memory import MemoryExhaustedError, memory_explained
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table, token_batch
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train
from igs_agent.warmstart.tiny import END, PAD, new_tiny
from igs_agent.weights import WEIGHTS, write_weights
from igs_env.counterfactual import CorpusSampler
from igs_env.retrievers import make_retriever
from igs_env.types import Search

QUERY = "<search> who?</search>"
MERGED = f"{QUERY}\n<answer> x</answer>\n"


def without_pad_token(folder: Path, target: Path) -> Path:
    """The same model, of which neither the tokenizer nor the configuration names a pad token."""
    shutil.copytree(folder, target)
    for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
        settings = json.loads((target / name).read_text())
        kept = {k: v for k, v in settings.items() if not k.startswith("pad_token")}
        (target / name).write_text(json.dumps(kept))
    return target


def test_a_model_without_a_pad_token_is_trained_alike(
    tmp_path: Path, searcher_folder: Path
) -> None:
    bare = without_pad_token(searcher_folder, tmp_path / "bare")
    for name, folder in (("padded", searcher_folder), ("bare", bare)):
        train(load_config(None, run_settings(tmp_path / name, folder, "updates=1")), report=None)
    weights = [
        load_file(tmp_path / name / "checkpoints" / "update-000001" / WEIGHTS)
        for name in ("padded", "bare")
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@lru_cache(maxsize=1)
def merging_policy() -> Policy:
    """A policy whose tokenizer knows no word boundaries: tags merge with what is beside them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learned = trainers.BpeTrainer(
        vocab_size=320, special_tokens=[PAD, END], initial_alphabet=alphabet, show_progress=False
    )
    texts = [f"is it {end}?</search>\n<answer> {end}</answer>\n" for end in "abcdefgh"]
    tokenizer.train_from_iterator(texts * 4, learned)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=PAD)
    return new_tiny(fast, width=64, layers=2, context=2048)


def test_a_turn_ends_within_a_token_that_merges_a_tag_with_what_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = merging_policy()
    script = policy.encode(MERGED)
    drawn = iter(script)
    monkeypatch.setattr(native, "draw_tokens", lambda *_: torch.tensor([[next(drawn)]]))
    request = Request(key="row", token_ids=policy.encode("Question: ?\n"), seed=0, turn=0)
    (completion,) = NativeGenerator(policy).generate([request], Sampling(max_tokens=64))
    assert completion.finish == "action"
    assert completion.token_ids == script[: len(completion.token_ids)]
    written = policy.decode(completion.token_ids)
    assert written.startswith(QUERY)
    assert len(written) > len(QUERY)  # the last token went on behind the tag
    assert QUERY not in policy.decode(completion.token_ids[:-1])


def test_tokens_that_cross_a_tag_are_kept_as_sampled_and_scored() -> None:
    policy, task = merging_policy(), small_task()
    generator = ScriptedGenerator(policy, lambda key, turn: f"{QUERY}\n" if turn == 0 else MERGED)
    rules = replace(task.rules, max_searches=1)
    plan = RolloutPlan(questions=task.questions[:2], group_size=1, seed=0)
    played = rollout(rules, policy, generator, plan, Sampling(max_tokens=64))
    for trajectory in played:
        turn, step = trajectory.turns[0], trajectory.episode.steps[0]
        sampled = trajectory.token_ids[turn.start : turn.end].tolist()
        assert sampled == policy.encode(f"{QUERY}\n")
        # The text behind the tag is no part of the episode; its token is, for it was sampled.
        assert (step.output, step.discarded) == (QUERY, 1)
        assert isinstance(step.action, Search)
        assert step.action.query == "who?"
        assert "who?" in policy.decode(trajectory.token_ids[slice(*turn.query)].tolist())
        assert turn.query[1] <= turn.end
    scorer = PolicyScorer(policy, played)
    sampler = CorpusSampler(task.corpus, rules)
    measured = measure_gains(played, scorer, sampler, draws=2)
    assert all(gain is None or np.isfinite(gain.value) for t in measured for gain in t.gains)


def test_rollouts_that_overflow_the_context_end_truncated_and_are_trained_on(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "model"
    policy.mkdir()
    write_weights(small_policy(context=160), policy)
    train(load_config(None, run_settings(tmp_path / "run", policy, "updates=1")), report=None)
    rows = list(read_jsonl(tmp_path / "run" / "episodes.jsonl"))
    full = [row for row in rows if row["overflowed"]]
    assert full
    assert all(row["truncated"] and row["reward"] == 0.0 for row in full)


def test_prompts_that_leave_no_room_for_a_turn_end_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "model"
    policy.mkdir()
    write_weights(small_policy(context=40), policy)
    assert main(["train", *run_settings(tmp_path / "run", policy)]) == 2
    err = capsys.readouterr().err
    assert "reads no more than 40" in err
    assert "rollout.max_tokens" in err


@contextmanager
def slow_server() -> Iterator[str]:
    """Answers a search in Search-R1's dialect, but later than anybody waits."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            over.wait(30)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/retrieve"
        finally:
            over.set()
            server.shutdown()
            thread.join()


def test_a_retriever_that_is_too_slow_ends_its_rollouts_unblamed() -> None:
    task, policy = small_task(), small_policy()
    generator = ScriptedGenerator(policy, lambda key, turn: "<search> who </search>")
    plan = RolloutPlan(questions=task.questions[:2], group_size=2, seed=0)
    with slow_server() as url:
        retriever = make_retriever(url, None, timeout=0.3, attempts=2, backoff=0.01)
        rules = replace(task.rules, retriever=retriever)
        played = rollout(rules, policy, generator, plan, Sampling(max_tokens=32))
    assert all(t.retrieval_failed and t.truncated and t.reward == 0.0 for t in played)
    assert all(t.episode.steps[-1].observation == "" for t in played)
    table = step_table(played)
    assert not table.outcome_valid.any()
    batch = token_batch(played, table, make_estimator("grpo")(table))
    assert not batch.trained.any()
    assert rollout_metrics(played)["rollout/retrieval_failed"] == 1.0


IMPOSSIBLE = 2**52
"""Bytes that no allocator has: it says so at once."""


@pytest.mark.parametrize(
    ("phase", "knob"), [("rollout", "rollout.max_rows (now 256)"), ("gain", "optim.batch_tokens")]
)
def test_an_allocation_that_fails_names_the_settings_of_its_phase(phase: str, knob: str) -> None:
    with (
        pytest.raises(MemoryExhaustedError, match="out of memory") as caught,
        memory_explained(phase, load_config(None, [])),
    ):
        torch.empty(IMPOSSIBLE, dtype=torch.uint8)
    assert knob in str(caught.value)


def test_other_errors_pass_unchanged() -> None:
    with (
        pytest.raises(RuntimeError, match="shape"),
        memory_explained("gain", load_config(None, [])),
    ):
        torch.zeros(2) @ torch.zeros(3, 1)


@pytest.fixture
def _allocates(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., object] = trainer.update_policy

    def update(policy: Policy, optimizer: object, batch: object, *more: object, **named: object):
        if more[1].batch_tokens > 999:  # type: ignore[attr-defined]
            torch.empty(IMPOSSIBLE, dtype=torch.uint8)
        return real(policy, optimizer, batch, *more, **named)

    monkeypatch.setattr(trainer, "update_policy", update)


@pytest.mark.usefixtures("_allocates")
def test_a_run_out_of_memory_says_so_and_goes_on_with_less(
    tmp_path: Path, searcher_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = run_settings(tmp_path / "run", searcher_folder, "updates=1")
    assert main(["train", *settings]) == 2
    err = capsys.readouterr().err
    assert "out of memory in the update" in err
    assert "optim.batch_tokens (now 16384), then policy.gradient_checkpointing (now false)" in err
    assert main(["train", "--resume", *settings, "optim.batch_tokens=999"]) == 0
    assert main(["train", "--resume", *settings, "optim.learning_rate=1.0"]) == 2
    assert "not what the run was started with" in capsys.readouterr().err
