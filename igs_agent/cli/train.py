"""`igs train`: train a policy from a configuration."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from igs_agent.cli.torch_needed import need_torch

if TYPE_CHECKING:
    from igs_agent.config import TrainConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument(
        "--config", metavar="FILE", help="TOML file with settings, or a recipe such as tiny-atlas"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in the folder run=…"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the settings and what they amount to"
    )
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help="settings over those of the file: run=runs/mine credit=grpo optim.learning_rate=1e-4",
    )


def run(args: argparse.Namespace) -> int:
    """Train, or show what would be trained."""
    need_torch("igs train")
    from igs_agent.config_file import dump_config
    from igs_agent.gain_cost import gain_cost_of_run
    from igs_agent.reporting import leave_report
    from igs_agent.trainer import train

    config = _config(args)
    if args.dry_run:
        from igs_agent.outlook import outlook

        print(dump_config(config))
        print(outlook(config))
        return 0
    result = train(config, resume=args.resume)
    first, last = (each.interval("exact_match") for each in (result.first, result.last))
    print(
        f"\n{result.updates} updates; EM {first} before, {last} after {result.evaluated}; "
        f"the run is in {result.folder}"
    )
    cost = gain_cost_of_run(result.folder)
    if cost.tokens:
        print(f"information gain, N = {config.credit.counterfactuals}: {cost}")
    page = leave_report(result.folder)
    print(
        f"its curves and what they allow one to claim: {page}"
        if page
        else 'its report needs more packages: pip install "ig-search-gym[report]", then '
        f"igs report {result.folder}"
    )
    return 0


def _config(args: argparse.Namespace) -> TrainConfig:
    """The settings; a run that is resumed without a file goes on with its own."""
    from pathlib import Path

    from igs_agent.config_file import load_config

    config = load_config(args.config, args.settings)
    saved = Path(config.run) / "config.toml"
    if args.resume and args.config is None and saved.is_file():
        return load_config(saved, args.settings)
    return config
