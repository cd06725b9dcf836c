"""Ratio 6: a whole training step of TRL with a search tool, against ours, at forced lengths.

    python -m benchmarks.speed.step --members 8 --rounds 2

Theirs is the real `GRPOTrainer.train` for one step with `environment_factory=SearchEnvironment` and
transformers' `generate`: rollouts of three searches and a last turn, rewards, loss, backward,
optimiser. Ours is the trainer's own functions in the same order: rollouts over the same corpus,
credit `grpo`, update; and again with credit `ig_search`, whose gain of N = 3 TRL does not have.

A random model calls no tools, so that lengths and calls are forced on both sides. Theirs writes
exactly so many tokens per turn (`min_new_tokens`), and whatever it wrote is read as one call of
`search`; ours writes as many, of which the last ones are set to a search for the same words. The
prompt of ours is filled up to as many tokens as TRL's, which holds the tools' schemas, and so are
its documents, around which TRL's template has words of its own. Both counts are reported.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from jaxtyping import Float
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer
from trl.chat_template_utils import qwen3_chat_template
from trl.trainer import grpo_trainer

from benchmarks.speed.ratio import Row, compare
from benchmarks.speed.shapes import TURNS, random_policy
from igs_agent.adapters.trl import SearchEnvironment, tool_dataset
from igs_agent.config import CreditConfig, LossConfig, OptimConfig
from igs_agent.credit import make_estimator, signals_of
from igs_agent.generation import Completion, Request, Sampling
from igs_agent.generation.native import NativeGenerator, _Context
from igs_agent.generation.warm import WarmContexts
from igs_agent.measurement import measure_signals, warm_contexts
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table, token_batch
from igs_agent.trajectory import Trajectory
from igs_agent.update import update_policy
from igs_env.prompt import render_prompt
from igs_env.protocols import Protocol
from igs_env.task import Task, make_sampler, make_task
from igs_env.types import Question

QUERY, SEARCHES = "capital of Peru", TURNS - 1
OUTPUT, TOP_K, QUESTIONS = 125, 1, 1
"""A quarter of the other ratios' output; a document of the embedded world is about as long as a
quarter of their block."""


def rows(
    *,
    members: int = 8,
    rounds: int = 3,
    output: int = OUTPUT,
    credits: Sequence[str] = ("grpo", "ig_search"),
) -> list[Row]:
    """One row per credit of ours."""
    found = []
    for credit in credits:
        theirs = _Theirs(_world(), _chatting(random_policy()), members, output)
        theirs.step()  # counts its tokens
        ours = _Ours(_world(), random_policy(), members, output, credit)
        ours.fill(theirs.prompt, theirs.tokens)
        found.append(
            compare(
                6,
                f"TRL's whole step with a search tool / ours, credit {credit}",
                theirs.step,
                ours.step,
                target=3.0 if credit == "grpo" else None,
                tokens=(
                    f"{QUESTIONS} question of {members} rollouts, {TURNS} turns of {output}, "
                    f"prompt {theirs.prompt}; tokens of a rollout {theirs.tokens} / {ours.tokens}"
                ),
                rounds=rounds,
            )
        )
    return found


def _world() -> Task:
    return make_task(
        questions="atlas",
        split="train",
        protocol="plain",
        top_k=TOP_K,
        max_searches=SEARCHES,
        hops=[1],
        sampler="none",
    )


def _chatting(policy: Policy) -> Policy:
    policy.tokenizer.chat_template = qwen3_chat_template
    return policy


class _Theirs:
    """TRL's trainer; a step is one `train` of one step."""

    def __init__(self, task: Task, policy: Policy, members: int, output: int) -> None:
        task = replace(task, questions=task.questions[:QUESTIONS])
        self.prompt = self.tokens = 0
        count = QUESTIONS * members
        settings = GRPOConfig(
            output_dir=tempfile.mkdtemp(),
            use_cpu=not torch.cuda.is_available(),
            bf16=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            gradient_checkpointing=False,
            max_steps=1,
            beta=0.0,
            num_generations=members,
            per_device_train_batch_size=members,
            gradient_accumulation_steps=QUESTIONS,
            generation_batch_size=count,
            max_completion_length=100_000,
            max_tool_calling_iterations=SEARCHES,
            generation_kwargs={"max_new_tokens": output, "min_new_tokens": output},
        )
        self._trainer: Any = GRPOTrainer(
            model=policy.model,
            args=settings,
            train_dataset=tool_dataset(task),
            processing_class=policy.tokenizer,
            environment_factory=partial(SearchEnvironment, task),
        )
        generate = self._trainer._generate

        def counted(prompts: Any) -> Any:
            found = generate(prompts)
            self.prompt = max(map(len, found[0]))
            self.tokens = self.prompt + max(map(len, found[1]))
            return found

        self._trainer._generate = counted

    def step(self) -> None:
        """A whole `train()` of one step."""
        with _always_searching():
            self._trainer.train()


class _always_searching:  # noqa: N801 - a context
    """Whatever a model wrote is one call of the search tool."""

    def __enter__(self) -> None:
        self._before = grpo_trainer.parse_response
        call = {"type": "function", "function": {"name": "search", "arguments": {"query": QUERY}}}
        grpo_trainer.parse_response = lambda *_args, **_kwargs: {
            "role": "assistant",
            "content": "",
            "tool_calls": [call],
        }

    def __exit__(self, *_error: object) -> None:
        grpo_trainer.parse_response = self._before


class _Forced(NativeGenerator):
    """Writes so many tokens, the last of which are an action."""

    def __init__(self, policy: Policy, warm: WarmContexts | None) -> None:
        super().__init__(policy, warm=warm)
        self._action: list[int] = []

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Completion]:
        """All are at the same turn."""
        last = requests[0].turn == TURNS - 1
        text = "<answer> no </answer>" if last else f"<search> {QUERY} </search>"
        self._action = self.policy.encode(f" {text}")
        return super().generate(requests, sampling)

    def _sample(
        self,
        contexts: Sequence[_Context],
        logits: Float[Tensor, "R V"],
        step: int,
        sampling: Sampling,
    ) -> None:
        super()._sample(contexts, logits, step, sampling)
        at = step - (sampling.max_tokens - len(self._action))
        for writer in (writer for context in contexts for writer in context.writers):
            writer.finish = None
            if at >= 0:
                writer.ids[-1] = self._action[at]


class _Ours:
    """Rollouts, signals, credit and update, as `igs_agent.trainer.train_one` has them."""

    def __init__(self, task: Task, policy: Policy, members: int, output: int, credit: str) -> None:
        self._policy, self._members, self._output = policy, members, output
        self._task = replace(task, questions=task.questions[:QUESTIONS])
        self._estimator = make_estimator(credit, {})
        self._sampler = make_sampler("corpus", task.corpus, task.rules)
        self._optimizer = torch.optim.AdamW(policy.model.parameters(), lr=1e-6)
        self.tokens = 0

    def step(self) -> None:
        """One update."""
        trajectories = self._measured()
        table = step_table(trajectories, mask_truncated=False)
        update_policy(
            self._policy,
            self._optimizer,
            token_batch(trajectories, table, self._estimator(table)),
            LossConfig(),
            OptimConfig(),
            temperature=1.0,
            groups=table.group.tolist(),
        )

    def fill(self, prompt: int, tokens: int) -> None:
        """Make prompt and documents longer, until a rollout has about so many tokens."""
        short = len(self._policy.encode_prompt(render_prompt(self._protocol, self._question)))
        filler = self._words(prompt - short)
        self._set(instruction=filler + self._protocol.instruction)
        self._measured()
        self._set(document=self._protocol.document + self._words((tokens - self.tokens) / SEARCHES))
        self._measured()

    @property
    def _protocol(self) -> Protocol:
        return self._task.rules.protocol

    @property
    def _question(self) -> Question:
        return self._task.questions[0]

    def _set(self, **texts: str) -> None:
        protocol = replace(self._protocol, **texts)  # type: ignore[arg-type]
        self._task = replace(self._task, rules=replace(self._task.rules, protocol=protocol))

    def _words(self, tokens: float) -> str:
        """About so many tokens."""
        words = "Look for what you need, then answer. "
        return words * max(0, round(10 * tokens / len(self._policy.encode(words * 10))))

    def _measured(self) -> list[Trajectory]:
        warm = warm_contexts(self._policy, self._estimator)
        plan = RolloutPlan(questions=self._task.questions, group_size=self._members, seed=0)
        trajectories = rollout(
            self._task.rules,
            self._policy,
            _Forced(self._policy, warm),
            plan,
            Sampling(max_tokens=self._output),
        )
        assert all(len(t.turns) == TURNS for t in trajectories), "an action came before its turn"
        self.tokens = max(len(trajectory.token_ids) for trajectory in trajectories)
        scorer = PolicyScorer(self._policy, trajectories, warm=warm)
        sampler = self._sampler if "gain" in signals_of(self._estimator) else None
        return measure_signals(trajectories, scorer, self._estimator, sampler, CreditConfig())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--output", type=int, default=OUTPUT)
    parser.add_argument("--rounds", type=int, default=3)
    torch.set_num_threads(1)
    rows(**vars(parser.parse_args()))
