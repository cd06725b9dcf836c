"""`igs warmstart`: teach a policy the form of an episode, by demonstrations."""

from __future__ import annotations

import argparse

from igs_agent.cli.torch_needed import need_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help="settings over those of the file: output=runs/tiny supervised.epochs=2",
    )


def run(args: argparse.Namespace) -> int:
    """Warm-start and save."""
    need_torch("igs warmstart")
    from igs_agent.config_file import load_table
    from igs_agent.config_values import build
    from igs_agent.warmstart.build import WarmstartConfig, warmstart

    config = build(WarmstartConfig, load_table(args.config, args.settings, {}))
    warmstart(config)
    print(f"the policy is in {config.output}")
    return 0
