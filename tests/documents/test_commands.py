"""Every `igs` command on a page is one that `igs` takes: verb, flags and settings."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

from igs_agent.cli import VERBS
from igs_agent.config_file import load_config, load_table
from igs_agent.config_values import build
from igs_agent.doctor.index_part import E5, WIKI18
from igs_agent.doctor.places import sized
from igs_agent.recipes import recipes
from igs_agent.warmstart.build import WarmstartConfig
from igs_env.retrievers.index_size import index_bytes

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELLS = ("", "sh", "bash", "console")
_SIZE = re.compile(r"^\| `(\w[\w,]*)` \| ([\d.]+ GB) \|", re.MULTILINE)


def commands(page: Path) -> list[list[str]]:
    """The words of each `igs` command in the page's unnamed and shell blocks."""
    found = []
    for language, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language not in _SHELLS:
            continue
        lines = block.replace("\\\n", " ").splitlines()
        words = [shlex.split(line, comments=True) for line in lines if line.startswith("igs ")]
        found += [each[1:] for each in words if len(each) > 1 and "…" not in " ".join(each)]
    return found


def parsed(verb: str, arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"igs {verb}", exit_on_error=False)
    importlib.import_module(f"igs_agent.cli.{verb}").add_arguments(parser)
    return parser.parse_args(arguments)


ALL = [(page.name, words) for page in PAGES for words in commands(page)]


@pytest.mark.parametrize(("page", "words"), ALL, ids=str)
def test_a_command_of_a_page_has_flags_and_settings_that_there_are(
    page: str, words: list[str]
) -> None:
    verb, *arguments = words
    if verb in ("-h", "--help", "--version"):
        return
    assert verb in VERBS, f"{page}: igs {verb}"
    args = parsed(verb, arguments)
    if verb in ("train", "doctor") and (args.config is None or args.config in recipes()):
        # What begins with my_ stands for a reader's own file.
        load_config(args.config, [each for each in args.settings if "=my_" not in each])
    if verb == "warmstart" and args.config is None:
        build(WarmstartConfig, load_table(None, args.settings, {}))


def test_there_are_commands_and_a_wrong_flag_is_seen() -> None:
    assert {"doctor", "eval", "index", "serve", "train", "warmstart"} <= {w[0] for _, w in ALL}
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parsed("serve", ["--corpus", "atlas", "--no-such-flag"])


def test_index_sizes_on_the_page_are_those_that_are_computed() -> None:
    rows = _SIZE.findall((ROOT / "docs" / "real-models.md").read_text(encoding="utf-8"))
    assert len(rows) == 8
    for factory, size in rows:
        assert sized(index_bytes(factory, WIKI18, E5) or 0) == size, factory
