"""`IGModulatedGRPO`: Tianshou's on-policy training with this package's credit estimators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from igs_agent.adapters.tianshou.library import checked_tianshou
from igs_agent.adapters.tianshou.table import SIGNALS, Transitions, transitions
from igs_agent.credit import CreditEstimator, make_estimator, signals_of
from igs_agent.credit.ig_search import silent_groups
from igs_agent.loss import clipped_surrogate, token_mean
from igs_env.errors import ConfigurationError

if TYPE_CHECKING:
    from tianshou.algorithm.modelfree.reinforce import ProbabilisticActorPolicy
    from tianshou.algorithm.optim import OptimizerFactory

checked_tianshou()

from tianshou.algorithm.algorithm_base import OnPolicyAlgorithm, TrainingStats  # noqa: E402 - see above

_FORWARD = 1024
"""Transitions at once where no gradient is needed."""


@dataclass(kw_only=True)
class GRPOTrainingStats(TrainingStats):  # type: ignore[misc]
    """Of one update. Tianshou logs every field, and fills in `train_time`."""

    loss: float
    """Mean over the gradient steps."""
    entropy: float
    """Mean over the gradient steps, nats per action."""
    outcome: float
    """Mean return of the episodes."""
    gain: float
    """Mean information gain of the searches where it was measured, nats per answer token."""
    all_fail_share: float
    """Episodes in groups that all failed alike: there is no advantage but the gain's."""
    all_pass_share: float
    """Episodes in groups that all succeeded alike."""
    gradient_steps: int


class IGModulatedGRPO(OnPolicyAlgorithm):  # type: ignore[misc]
    """GRPO over macro actions: PPO's clipped surrogate on the advantages of a credit estimator.

    With `estimator="ig_search"` an action's advantage is that of its episode within its group,
    plus α · IG~ where the action is a search (IG-Search, arXiv 2604.15148, eq. 4, with |Q| = 1);
    with `"grpo"`, with α = 0 or without measured gains it is GRPO's. There is no critic.

    Differs: the policy decides once per search or answer, not per token; for language models
    there is `igs_agent.trainer`, with the same estimators.

    >>> import torch
    >>> from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
    >>> from tianshou.algorithm.optim import AdamOptimizerFactory
    >>> from tianshou.utils.net.common import Net
    >>> from igs_agent.adapters.tianshou import MacroEnv
    >>> env = MacroEnv("single-hop")
    >>> net = Net(state_shape=(259,), action_shape=21, hidden_sizes=[64])
    >>> policy = DiscreteActorPolicy(actor=net, action_space=env.action_space)
    >>> IGModulatedGRPO(policy=policy, optim=AdamOptimizerFactory(lr=1e-3)).estimator.alpha
    0.3
    """

    def __init__(
        self,
        *,
        policy: ProbabilisticActorPolicy,
        optim: OptimizerFactory,
        estimator: str | CreditEstimator = "ig_search",
        estimator_options: Mapping[str, Any] | None = None,
        clip_low: float = 0.2,
        clip_high: float = 0.2,
        ent_coef: float = 0.01,
        max_grad_norm: float | None = None,
    ) -> None:
        """Make the algorithm.

        Args:
            policy: over discrete actions, such as Tianshou's `DiscreteActorPolicy`.
            optim: Tianshou's factory of the optimiser.
            estimator: key of `igs_agent.credit.ESTIMATORS`, `module:attribute`, or a function of a
                step table; one that reads the gain or no signal at all.
            estimator_options: its hyper-parameters, such as `{"alpha": 0.3}`.
            clip_low: ε of PPO's clip below 1.
            clip_high: ε of PPO's clip above 1.
            ent_coef: weight of the entropy, as in Tianshou's PPO.
            max_grad_norm: clips the gradient's norm; None does not.

        Raises:
            ConfigurationError: an estimator that reads what `info` does not tell.
            ValueError: no such estimator or option.
        """
        super().__init__(policy=policy)
        self.estimator = make_estimator(estimator, estimator_options)
        _check_signals(self.estimator)
        self.clip_low, self.clip_high, self.ent_coef = clip_low, clip_high, ent_coef
        self.optim = self._create_optimizer(policy, optim, max_grad_norm)

    def _preprocess_batch(self, batch: Any, buffer: Any, indices: np.ndarray) -> Any:
        """Add the advantages, which episodes count, and log-probabilities before the update."""
        _check_buffer(buffer)
        played = transitions(batch)
        parameter = next(self.policy.parameters())
        batch.act = torch.as_tensor(batch.act, device=parameter.device)
        batch.adv = played.advantages(self.estimator(played.table)).to(parameter)
        batch.counted = played.counted.to(parameter.device)
        with torch.no_grad():
            parts = batch.split(_FORWARD, shuffle=False, merge_last=True)
            batch.logp_old = torch.cat([self.policy(p).dist.log_prob(p.act) for p in parts])
        self._measured = _measured(played)
        return batch

    def _update_with_batch(
        self, batch: Any, batch_size: int | None, repeat: int
    ) -> GRPOTrainingStats:
        """`repeat` passes over the batch in gradient steps of `batch_size` transitions."""
        losses, entropies = [], []
        for _ in range(repeat):
            for part in batch.split(batch_size or -1, merge_last=True):
                loss, entropy = self._loss(part)
                self.optim.step(loss)
                losses.append(loss.item())
                entropies.append(entropy.item())
        return GRPOTrainingStats(
            loss=float(np.mean(losses)),
            entropy=float(np.mean(entropies)),
            gradient_steps=len(losses),
            **self._measured,
        )

    def _loss(self, part: Any) -> tuple[Tensor, Tensor]:
        """(loss, entropy) of a minibatch: means over the transitions that count."""
        dist = self.policy(part).dist
        surrogate = clipped_surrogate(
            dist.log_prob(part.act),
            part.logp_old,
            part.adv,
            clip_low=self.clip_low,
            clip_high=self.clip_high,
        )
        count = max(1, int(part.counted.sum()))
        entropy = token_mean(dist.entropy(), part.counted, count)
        return token_mean(surrogate, part.counted, count) - self.ent_coef * entropy, entropy


def _check_signals(estimator: CreditEstimator) -> None:
    absent = [name for name in signals_of(estimator) if name not in SIGNALS]
    if absent:
        raise ConfigurationError(
            f"this estimator reads {', '.join(absent)}, and Tianshou's infos tell only "
            f"{', '.join(SIGNALS)}; igs_agent.trainer measures the others"
        )


def _check_buffer(buffer: Any) -> None:
    # Members of a group have the same group id: their ends cannot be told from the infos alone.
    if len(buffer.unfinished_index()):
        raise ConfigurationError(
            "an episode without its end has no outcome: train with collection_step_num_episodes "
            "in place of collection_step_num_env_steps"
        )
    parts = getattr(buffer, "buffers", [buffer])
    if any(len(part) == part.maxsize for part in parts):
        raise ConfigurationError(
            f"the buffer is full at {buffer.maxsize} transitions, and episodes may have lost their "
            "beginning: give it a greater total_size"
        )


def _measured(played: Transitions) -> dict[str, float]:
    table, gain = played.table, played.table.signal("gain")
    values = gain.values[gain.valid]
    shares = silent_groups(table)
    return {
        "outcome": float(table.outcome.mean()),
        "gain": float(values.mean()) if len(values) else 0.0,
        "all_fail_share": shares["groups/all_fail_share"],
        "all_pass_share": shares["groups/all_pass_share"],
    }
