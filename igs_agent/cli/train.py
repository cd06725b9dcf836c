"""`igs train`: train a policy from a configuration."""

from __future__ import annotations

import argparse

from igs_agent.cli.torch_needed import need_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    parser.add_argument("--resume", action="store_true", help="go on with the run of that folder")
    parser.add_argument("--dry-run", action="store_true", help="show the settings, train nothing")
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help="settings over those of the file: run=runs/mine credit=grpo optim.learning_rate=1e-4",
    )


def run(args: argparse.Namespace) -> int:
    """Train, or show what would be trained."""
    need_torch("igs train")
    from pathlib import Path

    from igs_agent.config_file import dump_config, load_config
    from igs_agent.trainer import train

    config = load_config(args.config, args.settings)
    if args.resume and args.config is None:
        saved = Path(config.run) / "config.toml"
        if saved.exists():
            config = load_config(saved, args.settings)
    if args.dry_run:
        print(dump_config(config), end="")
        print(_outlook(config))
        return 0
    result = train(config, resume=args.resume)
    print(
        f"\n{result.updates} updates; EM {result.first.interval('exact_match')} before, "
        f"{result.last.interval('exact_match')} after; the run is in {result.folder}"
    )
    return 0


def _outlook(config: object) -> str:
    """What the settings amount to, from the task and the policy that they name."""
    from igs_agent.config import TrainConfig
    from igs_agent.run import load_policy_of
    from igs_env.task import make_task

    assert isinstance(config, TrainConfig)
    task = make_task(**{**dict(config.env), "sampler": "none"})
    policy = load_policy_of(config)
    parameters = sum(parameter.numel() for parameter in policy.model.parameters())
    rollouts = config.rollout.questions * config.rollout.group_size
    return (
        f"\n# {parameters / 1e6:.1f} M parameters on {policy.device}, {len(task.questions)} "
        f"questions, {len(task.corpus)} documents, {rollouts} rollouts per update"
    )
