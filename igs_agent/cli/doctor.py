"""`igs doctor`: what a configuration lacks on this machine, and what it takes."""

from __future__ import annotations

import argparse

from igs_agent.cli.torch_needed import need_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument(
        "--config", metavar="FILE", help="TOML file with settings, or a recipe such as qwen2.5-3b"
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help="play and train one update, say where its time goes and which setting would help",
    )
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help="settings over those of the file, as of igs train",
    )


def run(args: argparse.Namespace) -> int:
    """Print the diagnosis; 1 where something is missing."""
    need_torch("igs doctor")
    from igs_agent.config_file import load_config
    from igs_agent.doctor import diagnose
    from igs_agent.doctor.report import report

    config = load_config(args.config, args.settings)
    diagnosis = diagnose(config)
    print(report(diagnosis, args.config or "the defaults"))
    if args.profile and not diagnosis.missing:
        from igs_agent.doctor.profile import profile, profile_report

        print(f"\n{profile_report(profile(config))}")
    return 1 if diagnosis.missing else 0
