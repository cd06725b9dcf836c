"""`igs convert`: a GGUF file or hub model as a folder that loads at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from igs_agent.cli.torch_needed import need_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("source", help="a .gguf file, a model folder, a hub name, or smollm2")
    parser.add_argument("output", type=Path, help="folder to write")


def run(args: argparse.Namespace) -> int:
    """Convert."""
    need_torch("igs convert")
    from igs_agent.convert import convert

    print(f"the model is in {convert(args.source, args.output)}")
    return 0
