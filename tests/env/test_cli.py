"""The command line: instant help, plain errors, and an episode that a person plays."""

from __future__ import annotations

import subprocess
import sys

import pytest
from scripted import CORPUS, OverlapRetriever, searched_episode

from igs_agent.cli import VERBS, main, play
from igs_env.env import SearchEnv
from igs_env.rendering import render_step
from igs_env.types import InformationGain, Question

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
    assert "invalid action" in ended.stdout
    assert ended.stdout.count("type: search WORDS   or: answer WORDS") == 2
    assert "<search>" not in ended.stdout
    assert "-0.00" not in ended.stdout
    assert "wrong (F1 0.00); gold: " in ended.stdout


def test_a_failed_retrieval_is_said_to_be_one_and_what_is_printed_is_printable() -> None:
    questions = [Question(id="q", text="Who?", answers=("me\x1b[31m",))]
    env = SearchEnv(questions=questions, corpus=CORPUS, retriever=OverlapRetriever())
    env.reset(seed=0)
    env.step("<search>unreachable</search>")
    *_, last = play._shown(env).splitlines()
    assert last == "the episode ends here, without a reward; gold: me[31m"


def test_a_gain_that_rounds_to_nothing_has_no_minus() -> None:
    gain = InformationGain(
        value=-0.001, log_prob_real=-0.001, log_probs_counterfactual=(-0.002,), stderr=0.0,
        counterfactual_ids=((),), source="corpus", scorer="fake", answer_in_counterfactual=False,
    )  # fmt: skip
    step = searched_episode([CORPUS[0]]).steps[0]
    shown = render_step(0, step, gain)
    assert "gain +0.00 nats" in shown
    assert "(0.00 real, 0.00 with corpus documents" in shown


def test_the_end_of_input_ends_the_episode_politely() -> None:
    ended = run("play", "--questions", WORLD, "--seed", "0", stdin="")
    assert ended.returncode == 0
    assert "left without an answer; gold: " in ended.stdout
