"""Rollouts through a server: the same tokens, pushed weights, and servers that cannot do it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_policy import run_settings
from token_server import TokenServer, token_server

from igs_agent.config_file import load_config
from igs_agent.generation import Sampling
from igs_agent.generation.contract import Generator
from igs_agent.generation.endpoint import Endpoint, ServerError
from igs_agent.generation.native import NativeGenerator
from igs_agent.generation.server import ServerGenerator
from igs_agent.policy import Policy, load_policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train
from igs_agent.trajectory import Trajectory
from igs_env.errors import ConfigurationError
from igs_env.task import Task

GREEDY = Sampling(temperature=0, max_tokens=20)


def copied(policy: Policy) -> Policy:
    return replace(policy, model=copy.deepcopy(policy.model))


@pytest.fixture
def served(policy: Policy) -> Iterator[tuple[str, TokenServer]]:
    with token_server(copied(policy)) as (url, server):
        yield url, server


def played(
    policy: Policy, task: Task, generator: Generator, sampling: Sampling
) -> list[Trajectory]:
    plan = RolloutPlan(questions=task.questions[:3], group_size=2, seed=5)
    return rollout(task.rules, policy, generator, plan, sampling)


def test_greedy_rollouts_are_those_of_the_native_generator(
    policy: Policy, task: Task, served: tuple[str, TokenServer]
) -> None:
    theirs = played(policy, task, ServerGenerator(policy, served[0]), GREEDY)
    ours = played(policy, task, NativeGenerator(policy), GREEDY)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_array_equal(a.token_ids, b.token_ids)
        np.testing.assert_allclose(a.log_probs, b.log_probs, atol=1e-5)


def test_a_row_draws_by_its_own_seed_whatever_else_is_under_way(
    policy: Policy, task: Task, served: tuple[str, TokenServer]
) -> None:
    sampling = Sampling(max_tokens=20)
    many = played(policy, task, ServerGenerator(policy, served[0]), sampling)
    one = played(policy, task, ServerGenerator(policy, served[0], connections=1), sampling)
    assert [t.token_ids.tolist() for t in many] == [t.token_ids.tolist() for t in one]
    assert many[0].token_ids.tolist() != many[1].token_ids.tolist()


def test_a_closing_tag_without_its_opening_one_ends_no_turn(policy: Policy) -> None:
    with token_server(copied(policy)) as (url, server):
        server.complete = stuttering(server, policy)  # type: ignore[method-assign]
        prompt = policy.encode_prompt("Question: who?\n")
        from igs_agent.generation import Request

        request = Request(key="a", token_ids=prompt, seed=1, turn=0)
        (written,) = ServerGenerator(policy, url).generate([request], GREEDY)
    assert policy.decode(written.token_ids) == "</search><answer> x </answer>"
    assert written.finish == "action"
    assert [len(asked["prompt"]) for asked in server.asked] == [
        len(prompt),
        len(prompt) + len(policy.encode("</search>")),
    ]


def stuttering(server: TokenServer, policy: Policy):  # type: ignore[no-untyped-def]
    texts = iter(["</search>", "<answer> x </answer>"])

    def complete(body: object) -> dict[str, object]:
        ids = policy.encode(next(texts))
        log_probs = {"token_logprobs": [-1.0] * len(ids)}
        return {"choices": [{"token_ids": ids, "logprobs": log_probs}]}

    return complete


def test_pushed_weights_are_what_is_sampled_from(
    policy: Policy, task: Task, served: tuple[str, TokenServer], tmp_path: Path
) -> None:
    mine = copied(policy)
    with torch.no_grad():
        for parameter in mine.model.parameters():
            parameter.mul_(6.0)
    generator = ServerGenerator(mine, served[0], weights=tmp_path / "weights")
    before = played(mine, task, generator, GREEDY)
    assert generator.push_weights() < 1e-4
    after = played(mine, task, generator, GREEDY)
    own = played(mine, task, NativeGenerator(mine), GREEDY)
    assert [t.token_ids.tolist() for t in after] == [t.token_ids.tolist() for t in own]
    assert [t.token_ids.tolist() for t in before] != [t.token_ids.tolist() for t in own]


def test_a_server_that_keeps_its_old_weights_is_found_out(
    policy: Policy, served: tuple[str, TokenServer], tmp_path: Path
) -> None:
    served[1].deaf = True
    mine = copied(policy)
    with torch.no_grad():
        for parameter in mine.model.parameters():
            parameter.mul_(6.0)
    with pytest.raises(ServerError, match="does not sample from the policy"):
        ServerGenerator(mine, served[0], weights=tmp_path / "weights").push_weights()


@pytest.mark.parametrize("key", ["token_ids", "logprobs"])
def test_a_server_without_ids_or_log_probabilities_is_refused(
    key: str, policy: Policy, task: Task, served: tuple[str, TokenServer]
) -> None:
    served[1].without = (key,)
    with pytest.raises(ServerError, match=f"returned no {key}; .* such as vLLM"):
        played(policy, task, ServerGenerator(policy, served[0]), GREEDY)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "IGS_SERVER_KEY"),
        (404, "VLLM_SERVER_DEV_MODE"),
        (400, "longer than the server's limit"),
        (500, "tried 3 times"),
    ],
)
def test_each_refusal_says_what_to_do(
    status: int, words: str, policy: Policy, task: Task, served: tuple[str, TokenServer]
) -> None:
    served[1].status = status
    with pytest.raises(ServerError, match=words):
        played(policy, task, ServerGenerator(policy, served[0], connections=1), GREEDY)


def test_a_passing_failure_is_tried_again(
    policy: Policy, task: Task, served: tuple[str, TokenServer]
) -> None:
    served[1].failures = 1
    assert played(policy, task, ServerGenerator(policy, served[0], connections=1), GREEDY)


def test_nobody_listens() -> None:
    with pytest.raises(ServerError, match="does it run"):
        Endpoint("http://127.0.0.1:9").only_model()


def test_an_address_has_a_scheme() -> None:
    with pytest.raises(ConfigurationError, match="starts with http"):
        Endpoint("127.0.0.1:8000")


def test_another_temperature_is_refused(policy: Policy, served: tuple[str, TokenServer]) -> None:
    with pytest.raises(ConfigurationError, match="need temperature 1"):
        ServerGenerator(policy, served[0]).generate([], Sampling(temperature=0.7))


def test_training_through_a_server_learns_what_training_here_learns(
    searcher_folder: Path, tmp_path: Path
) -> None:
    """Same questions, other random draws: what is compared is that weights arrive each time."""
    with token_server(load_policy(str(searcher_folder), device="cpu")) as (url, server):
        settings = run_settings(tmp_path / "run", searcher_folder, f"rollout.server={url}")
        train(load_config(None, settings), report=None)
    rows = list(read_jsonl(tmp_path / "run" / "metrics.jsonl"))
    gaps = [row["rollout/server_gap"] for row in rows if "rollout/server_gap" in row]
    assert server.reloads == 3  # before the first update and after each
    assert len(gaps) == 2
    assert max(gaps) < 1e-4
    timings = list(read_jsonl(tmp_path / "run" / "timings.jsonl"))
    assert all(row["seconds/push"] > 0 for row in timings)
