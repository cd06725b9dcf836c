"""The command line: instant help, plain errors, and an episode that a person plays."""

from __future__ import annotations

import subprocess
import sys

import pytest

from igs_agent.cli import VERBS, main

HEAVY = ("torch", "faiss", "transformers", "sentence_transformers", "pyarrow", "bm25s", "httpx")


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "igs_agent.cli", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "code", ["import igs_env", "import igs_agent.cli; igs_agent.cli.main(['--help'])"]
)
def test_importing_and_help_load_nothing_heavy(code: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()[-1]
    assert not [name for name in HEAVY if f"'{name}'" in shown]


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {verb} " in shown for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_of_its_own(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    assert f"usage: igs {verb}" in capsys.readouterr().out


def test_an_unknown_verb_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    assert "did you mean 'train'?" in capsys.readouterr().err


def test_a_mistake_is_one_line_without_a_traceback() -> None:
    ended = run("play", "--questions", "atals")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "did you mean 'atlas'?" in ended.stderr


WORLD = "fiction:documents=200,facts=1,words=0,hops=1"


def test_a_person_plays_an_episode_through_a_pipe() -> None:
    ended = run(
        "play", "--questions", WORLD, "--seed", "0",
        stdin="search birthplace\nhello\nanswer nobody\n",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "search: birthplace" in ended.stdout
    assert "gain" in ended.stdout
    assert "That was no valid action" in ended.stdout
    assert "wrong (F1 0.00); gold: " in ended.stdout


def test_the_end_of_input_ends_the_episode_politely() -> None:
    ended = run("play", "--questions", WORLD, "--seed", "0", stdin="")
    assert ended.returncode == 0
    assert "left without an answer; gold: " in ended.stdout
