"""TRL's GRPO trainer, on episodes played here and with advantages per token."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object  # type: ignore[import-untyped]

from igs_agent.adapters.trl.completions import (
    completion_advantages,
    completion_start,
    completions,
)
from igs_agent.adapters.trl.library import checked_trl
from igs_agent.adapters.trl.questions import question_dataset
from igs_agent.adapters.trl.rounds import Round, round_player
from igs_agent.adapters.trl.settings import check_arguments, check_settings, sampling
from igs_agent.config import CreditConfig
from igs_agent.credit.ig_search import IGSearch, silent_groups
from igs_agent.episodes import rollout_metrics
from igs_agent.generation import Generator
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import Policy, load_policy
from igs_agent.rollout import RolloutPlan, planned_episodes
from igs_env.task import Task
from igs_env.types import Episode

_trl = checked_trl()
_unwrapped = importlib.import_module("trl.models").unwrap_model_for_generation


class IGGRPOTrainer(_trl.GRPOTrainer):  # type: ignore[misc, name-defined]
    """`trl.GRPOTrainer` whose completions are whole episodes and whose advantages are (B, T).

    Episodes are played by `igs_agent.rollout` through TRL's documented `rollout_func`, so that
    the tokens that are trained on are exactly those that were sampled, and the tokens of
    documents are masked. The advantages come from `igs_agent.credit`; loss, optimiser,
    schedules, callbacks, checkpoints and scaling by accelerate are TRL's.
    """

    def __init__(
        self,
        policy: str | Policy,
        task: Task,
        args: Any,
        *,
        credit: CreditConfig | None = CreditConfig(),  # noqa: B008 - frozen
        eval_task: Task | None = None,
        max_tokens: int = 48,
        max_rows: int = 256,
        score_tokens: int = 16_384,
        generator: Callable[[Policy], Generator] = NativeGenerator,
        **more: Any,
    ) -> None:
        """Train a policy on a task.

        Args:
            policy: what `igs_agent.policy.load_policy` takes, or its result.
            task: questions, rules and retriever, of `igs_env.task.make_task`.
            args: a `trl.GRPOConfig`; `num_generations` is the group's size, and
                `max_completion_length` only the constant that `loss_type="dr_grpo"` divides by.
            credit: estimator and counterfactuals; None leaves TRL's own advantages.
            eval_task: what `evaluate()` plays.
            max_tokens: per turn.
            max_rows: most episodes alive at once, per process.
            score_tokens: most tokens in one forward of the gain's measurement.
            generator: makes what samples tokens from a policy.
            **more: `callbacks`, `optimizers` and `peft_config` of `trl.GRPOTrainer`.

        Raises:
            ConfigurationError: a setting that cannot hold for these rollouts.
        """
        self.policy = load_policy(policy) if isinstance(policy, str) else policy
        check_arguments(more)
        check_settings(args, own_credit=credit is not None, sharded=bool(args.fsdp))
        self.own_credit = credit is not None
        self.round: Round | None = None
        """The newest rollouts."""
        self._player = round_player(
            task,
            credit or CreditConfig(name="grpo"),
            sampling=sampling(args, max_tokens),
            generator=generator,
            max_rows=max_rows,
            score_tokens=score_tokens,
            mask_truncated=bool(args.mask_truncated_completions),
        )
        self._questions = {**(eval_task.by_id if eval_task else {}), **task.by_id}
        self._planned: list[Episode] = []
        self._rounds = 0
        super().__init__(
            model=self.policy.model,
            reward_funcs=[episode_reward],
            args=args,
            train_dataset=question_dataset(task),
            eval_dataset=question_dataset(eval_task) if eval_task else None,
            processing_class=self.policy.tokenizer,
            rollout_func=_rollout,
            **more,
        )
        # An episode that was cut off is known here; TRL would look for an end-of-sequence token,
        # which an episode that ends with its answer does not have.
        self.mask_truncated_completions = False

    def play_planned(self) -> Round:
        """Play the episodes of the rows in hand."""
        with self._rollout_policy() as policy:
            self.round = self._player.play(policy, self._planned, self.accelerator.process_index)
        self._report(self.round)
        return self.round

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """TRL's batch, with advantages of shape (B, T) from the estimator."""
        self._planned = self._plan(inputs)
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if self.own_credit and self.round is not None:
            batch = self.round.rounded_as(output["advantages"].cpu())
            ids = output["completion_ids"]
            output["advantages"] = completion_advantages(batch, starts(self.round), ids.cpu()).to(
                ids.device
            )
        return output

    def _plan(self, inputs: Sequence[dict[str, Any]]) -> list[Episode]:
        """This process's episodes: its share of the groups that all processes play together."""
        ids: list[str] = gather_object([row["question_id"] for row in inputs])
        size = self.num_generations if self.model.training else self.num_generations_eval
        entropy = [self.args.seed, self.state.global_step, self._rounds]
        self._rounds += 1
        plan = RolloutPlan(
            questions=[self._questions[id] for id in ids[::size]],
            group_size=size,
            seed=int(np.random.SeedSequence(entropy).generate_state(1)[0]),
        )
        first = self.accelerator.process_index * len(inputs)
        return planned_episodes(self._player.rules, plan)[first : first + len(inputs)]

    @contextmanager
    def _rollout_policy(self) -> Iterator[Policy]:
        """The policy as it is now, unwrapped and in evaluation mode."""
        training = self.model.training
        with (
            torch.no_grad(),
            _unwrapped(
                self.model_wrapped,
                self.accelerator,
                gather_deepspeed3_params=self.args.ds3_gather_for_generation,
            ) as model,
        ):
            model.eval()
            try:
                yield replace(self.policy, model=model)
            finally:
                model.train(training)

    def _report(self, played: Round) -> None:
        estimator = self._player.estimator
        metrics = {**rollout_metrics(played.everyone), **silent_groups(played.table)}
        if isinstance(estimator, IGSearch):
            metrics |= estimator.diagnostics(played.table)
        for name, value in metrics.items():
            self._metrics["train" if self.model.training else "eval"][name].append(value)


def episode_reward(episode_reward: Sequence[float | None], **_: Any) -> list[float | None]:
    """The task's own reward, which came with the rollouts; the name is TRL's metric's."""
    return list(episode_reward)


def starts(played: Round) -> list[int]:
    """Where the completion of each of this process's rollouts begins."""
    return [completion_start(trajectory) for trajectory in played.trajectories]


def _rollout(prompts: list[str], trainer: IGGRPOTrainer) -> dict[str, list[Any]]:
    """TRL's `rollout_func`."""
    played = trainer.play_planned()
    return completions(played.batch, starts(played), played.rewards)
