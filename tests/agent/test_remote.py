"""A policy behind an OpenAI-compatible endpoint plays episodes: what is asked, what is judged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request

from igs_agent.cli import main
from igs_agent.evaluation import read_evaluation
from igs_agent.generation import Sampling
from igs_agent.generation.endpoint import ServerError
from igs_agent.remote import RemotePolicy, play_remote
from igs_agent.rollout import RolloutPlan
from igs_env.retrievers.server import serving
from igs_env.task import Task
from igs_env.types import Answer, Search

SAMPLING = Sampling(temperature=0, max_tokens=32)


@dataclass
class Oracle:
    """Searches for the question, then answers by the second capitalised word: text in, text out."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    choice: dict[str, Any] = field(default_factory=dict)
    """Over what it would answer."""
    usage: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.asked.append(body)
        read = body.get("prompt") or "".join(m["content"] for m in body["messages"])
        # As OpenAI does: the stop string itself is not given back.
        written = "<answer> x " if "<information>" in read else "<search> who "
        text = {"text": written} if "prompt" in body else {"message": {"content": written}}
        choice = {**text, "finish_reason": "stop", **self.choice}
        usage = {"usage": {"completion_tokens": 5}} if self.usage else {}
        return {"choices": [choice], **usage}


@contextmanager
def endpoint(oracle: Oracle) -> Iterator[str]:
    app = FastAPI()

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {"data": [{"id": "oracle"}]}

    @app.post("/v1/chat/completions")
    @app.post("/v1/completions")
    async def complete(request: Request) -> Any:
        return oracle.answer(await request.json())

    with serving(app) as url:
        yield url.removesuffix("/retrieve") + "/v1"


def plan(task: Task, count: int) -> RolloutPlan:
    return RolloutPlan(questions=task.questions[:count], group_size=2, seed=3)


@pytest.mark.parametrize("template", ["chat", "plain"])
def test_episodes_are_played_to_their_end_in_the_plans_order(template: Any, task: Task) -> None:
    oracle = Oracle()
    with endpoint(oracle) as url:
        policy = RemotePolicy(url, template=template)
        played = play_remote(task.rules, policy, plan(task, 4), SAMPLING, max_rows=3)
    assert policy.model == "oracle"
    expected = [question.id for question in task.questions[:4] for _ in range(2)]
    assert [each.episode.question.id for each in played] == expected
    for each in played:
        first, last = each.episode.steps
        assert isinstance(first.action, Search)
        assert first.action.query == "who"
        assert isinstance(last.action, Answer)
        assert last.action.text == "x"
        assert each.tokens == 10
    assert len(oracle.asked) == 16


def test_a_chat_holds_the_prompt_and_the_turns(task: Task) -> None:
    oracle = Oracle()
    with endpoint(oracle) as url:
        (each, _) = play_remote(task.rules, RemotePolicy(url), plan(task, 1), SAMPLING)
    second = next(body for body in oracle.asked if len(body["messages"]) == 3)
    assert second["messages"] == [
        {"role": "user", "content": each.episode.prompt},
        {"role": "assistant", "content": "<search> who </search>"},
        {"role": "user", "content": each.episode.steps[0].observation},
    ]


def test_a_base_model_continues_the_transcript(task: Task) -> None:
    oracle = Oracle()
    with endpoint(oracle) as url:
        policy = RemotePolicy(url, template="plain", model="named")
        (each, _) = play_remote(task.rules, policy, plan(task, 1), SAMPLING)
    longest = max((body["prompt"] for body in oracle.asked), key=len)
    step = each.episode.steps[0]
    assert longest == each.episode.prompt + step.output + step.observation
    assert {body["model"] for body in oracle.asked} == {"named"}


@pytest.mark.parametrize(
    ("choice", "valid"),
    [
        ({"stop_reason": "</search>"}, True),
        ({"stop_reason": 2}, False),  # vLLM's word for the model's own end-of-sequence token
        ({"finish_reason": "length"}, False),
    ],
)
def test_a_tag_is_closed_only_where_the_server_stopped_at_it(
    choice: dict[str, Any], valid: bool, task: Task
) -> None:
    with endpoint(Oracle(choice=choice)) as url:
        (each, _) = play_remote(task.rules, RemotePolicy(url), plan(task, 1), SAMPLING)
    assert isinstance(each.episode.steps[0].action, Search) is valid


def test_tokens_that_nobody_counted_are_unknown_and_not_0(task: Task) -> None:
    with endpoint(Oracle(usage=False)) as url:
        (each, _) = play_remote(task.rules, RemotePolicy(url), plan(task, 1), SAMPLING)
    assert each.tokens is None


def test_an_answer_without_choices_is_named(task: Task) -> None:
    oracle = Oracle()
    oracle.answer = lambda body: {"error": "overloaded"}  # type: ignore[method-assign]
    with endpoint(oracle) as url, pytest.raises(ServerError, match="without choices"):
        play_remote(task.rules, RemotePolicy(url), plan(task, 1), SAMPLING)


def test_igs_eval_plays_an_endpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.jsonl"
    settings = ["--protocol", "plain", "--limit", "3", "--samples", "2"]
    with endpoint(Oracle(usage=False)) as url:
        assert main(["eval", "--policy", url, *settings, "--output", str(rows)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("oracle at http://127.0.0.1:")
    evaluation = read_evaluation(rows)
    assert (len(evaluation.rows), evaluation.mean("searches")) == (6, 1.0)
    assert evaluation.rows[0].policy_tokens is None
    assert "nan" not in out


def test_a_baseline_through_an_endpoint_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["eval", "--policy", "http://127.0.0.1:9", "--baseline", "rag", "--limit", "1"]
    assert main(command) == 2
    assert "--policy FOLDER" in capsys.readouterr().err
