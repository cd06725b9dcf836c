"""What a configuration amounts to, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from igs_agent.config import TrainConfig
from igs_agent.doctor.episode_size import DOCUMENT
from igs_agent.policy import Policy
from igs_agent.policy_check import SAMPLE, check_policy
from igs_agent.preparation import prepare_policy
from igs_agent.run import load_policy_of
from igs_agent.run_retrieval import task_of
from igs_env.prompt import render_documents, render_prompt
from igs_env.task import Task


def outlook(config: TrainConfig) -> str:
    """The policy, the questions and the tokens of an update, as comments of a TOML file.

    Loads the policy and the task as training would, so that what cannot be loaded is found here.
    """
    task, dev = task_of(config), task_of(config, split=config.evaluation.split)
    policy = prepare_policy(load_policy_of(config), config.policy)
    check_policy(policy, task, config.rollout.max_tokens)
    evaluated = min(config.evaluation.questions, len(dev.questions))
    return "\n".join(
        [
            f"# policy      {policy.name}: {_parameters(policy)} on {policy.device}, template "
            f"{policy.template}, context {policy.context_length:,} tokens",
            f"# questions   {len(task.questions):,} to train on, {evaluated:,} of "
            f"{len(dev.questions):,} {config.evaluation.split} questions per evaluation",
            f"# documents   {len(task.corpus):,}"
            if len(task.corpus)
            else "# documents   those of the server",
            f"# update      {_tokens(config, task, policy)}",
            f"# run         {config.updates:,} updates in {config.run}",
        ]
    )


def _parameters(policy: Policy) -> str:
    everything = list(policy.model.parameters())
    trained = sum(p.numel() for p in everything if p.requires_grad)
    # Gradient and two moments beside the weights themselves.
    held = sum(p.numel() * p.element_size() for p in everything)
    held += 3 * sum(p.numel() * p.element_size() for p in everything if p.requires_grad)
    share = "all trained" if trained == sum(p.numel() for p in everything) else "LoRA"
    return (
        f"{sum(p.numel() for p in everything) / 1e6:,.1f} M parameters, {trained / 1e6:,.1f} M of "
        f"them trained ({share}), {held / 2**20:,.0f} MiB with gradients and optimiser"
    )


def _tokens(config: TrainConfig, task: Task, policy: Policy) -> str:
    rules, rollouts = task.rules, config.rollout.questions * config.rollout.group_size
    questions = [render_prompt(rules.protocol, q) for q in task.questions[:SAMPLE]]
    prompt = _mean([len(policy.encode_prompt(text)) for text in questions])
    documents = [task.corpus[index] for index in range(min(SAMPLE, len(task.corpus)))]
    lengths = [len(policy.encode(render_documents(rules.protocol, (d,)))) for d in documents]
    found = _mean(lengths) if lengths else DOCUMENT
    turns = rules.max_steps
    written = turns * config.rollout.max_tokens
    read = prompt + rules.max_searches * rules.top_k * found
    longest = min(policy.context_length, read + written)
    full = "" if longest == read + written else "; what is longer than the context ends truncated"
    return (
        f"{rollouts:,} rollouts of at most about {longest:,.0f} tokens (prompt {prompt:,.0f}, "
        f"{rules.max_searches} × {rules.top_k} documents of {found:,.0f}, {turns} turns of up to "
        f"{config.rollout.max_tokens}): at most about {rollouts * longest:,.0f} tokens{full}"
    )


def _mean(values: Sequence[int]) -> float:
    return sum(values) / max(1, len(values))
