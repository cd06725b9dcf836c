"""Demonstrations search as well as they are told to, and a warm start goes on where it stopped."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_policy import WORLD, small_policy, small_task

from igs_agent.cli import main
from igs_agent.cli.trained_with import trained_with
from igs_agent.policy import load_policy
from igs_agent.warmstart import sft
from igs_agent.warmstart.build import WarmstartConfig, warmstart
from igs_agent.warmstart.demonstrations import DemonstrationStyle, demonstrate
from igs_agent.warmstart.examples import document_example, episode_example
from igs_agent.warmstart.excerpts import ExcerptRetriever
from igs_agent.warmstart.gold_titles import with_title_queries
from igs_agent.warmstart.names import other_names
from igs_agent.warmstart.sft import SupervisedConfig, train_supervised
from igs_agent.weights import write_weights
from igs_env.errors import ConfigurationError, DataError
from igs_env.task import Task
from igs_env.testing.fakes import ScriptedRetriever
from igs_env.transition import begin
from igs_env.types import Document, Episode, Invalid, Question, Search, Step


def _queries(episode: Episode) -> list[str]:
    return [step.action.query for step in episode.steps if isinstance(step.action, Search)]


def _mistakable(task: Task) -> list[Question]:
    """Questions that are not the only one of their form."""
    forms = Counter(tuple(question.metadata["relations"]) for question in task.questions)
    return [q for q in task.questions if forms[tuple(q.metadata["relations"])] > 3]


def test_good_queries_alone_are_the_gold_ones_and_end_in_the_gold_answer() -> None:
    task = small_task()
    style = DemonstrationStyle(good_queries=1.0, vague_queries=0.0)
    episodes = demonstrate(task.rules, task.questions, style)
    assert len(episodes) > 0.8 * len(task.questions)
    for episode in episodes:
        assert _queries(episode) == list(episode.question.metadata["queries"])
        assert task.rules.reward(episode) == 1.0


def test_no_demonstration_writes_a_name_that_it_could_not_have_read() -> None:
    """At one document per search some bridges are not found: those episodes are left out."""
    task = small_task()
    style = DemonstrationStyle(good_queries=1.0, vague_queries=0.0)
    nothing = replace(task.rules, retriever=ExcerptRetriever(task.rules.retriever, {}))
    played = [demonstrate(rules, task.questions, style) for rules in (task.rules, nothing)]
    assert len(played[1]) < len(played[0]) < len(task.questions)
    for episodes in played:
        for episode in episodes:
            read = episode.prompt
            for step, entity in zip(
                episode.steps, [*episode.question.metadata["entities"], ""], strict=True
            ):
                assert entity in read
                read += step.observation
            answer = episode.question.answers[0]
            assert answer in read or answer in ("yes", "no")


def test_vague_queries_say_what_is_asked_but_not_about_whom() -> None:
    task = small_task()
    style = DemonstrationStyle(good_queries=0.0, vague_queries=1.0, retries=0.0)
    episodes = demonstrate(task.rules, task.questions, style)
    assert len(episodes) == len(task.questions)
    for question, episode in zip(task.questions, episodes, strict=True):
        (vague,) = _queries(episode)
        gold, entity = question.metadata["queries"][0], question.metadata["entities"][0]
        assert entity not in vague
        assert vague.split() == gold.replace(entity, "").split()
        # Without a retry the script gives up with the title of what it found.
        documents = episode.steps[0].documents
        title = documents[0].title if documents else "unknown"
        assert episode.steps[-1].output == f"<answer> {title} </answer>"


def test_what_is_neither_good_nor_vague_is_another_question_read_correctly() -> None:
    task = small_task()
    questions = _mistakable(task)
    style = DemonstrationStyle(good_queries=0.0, vague_queries=0.0)
    for episode in demonstrate(task.rules, questions, style):
        others = [q for q in questions if q.metadata["queries"][-1] == _queries(episode)[-1]]
        assert episode.question not in others
        assert any(f"<answer> {q.answers[0]} </answer>" in episode.transcript for q in others)


def test_an_excerpt_keeps_the_sentence_that_is_looked_for() -> None:
    first, second = "Ann Lee was born in Rome.", "Her birthday is 1 May."
    document = Document(id="a", title="Ann Lee", text=f"{first} {second}")
    found = ScriptedRetriever({"birthday": [document], "anything": [document]})
    retriever = ExcerptRetriever(found, {"birthday": "1 May"})
    ((cut,), (whole,)) = retriever.search(["birthday", "anything"], 1)
    assert (cut.title, cut.text) == ("Ann Lee", second)
    assert whole.text == first


def test_of_the_other_sentences_a_share_is_kept_the_same_for_a_query() -> None:
    text = " ".join(f"Sentence {i} says nothing." for i in range(200)) + " Her birthday is 1 May."
    found = ScriptedRetriever({"birthday": [Document(id="a", title="Ann Lee", text=text)]})
    lengths = []
    for keep in (0.0, 0.5, 1.0):
        retriever = ExcerptRetriever(found, {"birthday": "1 May"}, keep)
        ((cut,),) = retriever.search(["birthday"], 1)
        assert cut.text.endswith("Her birthday is 1 May.")
        assert retriever.search(["birthday"], 1) == [(cut,)]
        lengths.append(cut.text.count("Sentence"))
    assert lengths[0] == 0
    assert 70 < lengths[1] < 130
    assert lengths[2] == 200


def test_the_share_of_good_queries_is_what_was_asked_for() -> None:
    task = small_task()
    questions = _mistakable(task) * 8
    style = DemonstrationStyle(good_queries=0.4, vague_queries=0.4)
    episodes = demonstrate(task.rules, questions, style)
    good = [_queries(e)[0] == e.question.metadata["queries"][0] for e in episodes]
    four_standard_errors = 4 * (0.4 * 0.6 / len(good)) ** 0.5
    assert four_standard_errors < 0.1
    assert abs(sum(good) / len(good) - 0.4) < four_standard_errors


def test_only_what_the_script_wrote_is_learned() -> None:
    task, policy = small_task(), small_policy()
    (episode,) = demonstrate(task.rules, task.questions[:1], DemonstrationStyle())
    example = episode_example(policy, episode)
    learned = policy.decode(example.ids[example.learned].tolist())
    assert learned == "".join(step.output for step in episode.steps)
    assert policy.decode(example.ids.tolist()) == episode.transcript
    assert not example.learned[0]


def test_a_first_turn_ends_with_its_query() -> None:
    task, policy = small_task(), small_policy()
    (episode,) = demonstrate(task.rules, task.questions[:1], DemonstrationStyle())
    example = episode_example(policy, episode, turns=1)
    assert policy.decode(example.ids.tolist()) == episode.prompt + episode.steps[0].output


def test_a_document_is_learned_but_for_its_first_token() -> None:
    example = document_example(small_policy(), small_task().corpus[0])
    assert example.learned.tolist() == [False] + [True] * (len(example.ids) - 1)


def _config(output: Path, **supervised: float) -> WarmstartConfig:
    return WarmstartConfig(
        output=str(output),
        env={"questions": WORLD, "protocol": "plain", "top_k": 2, "max_searches": 3},
        first_turns=1,
        vocabulary=600,
        width=64,
        layers=2,
        half=False,
        supervised=SupervisedConfig(
            **{"epochs": 3, "learning_rate": 1e-3, "batch_tokens": 2048, **supervised}  # type: ignore[arg-type]
        ),
    )


def test_an_interrupted_warm_start_goes_on_and_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = warmstart(_config(tmp_path / "whole"), log=lambda line: None)
    real = sft._train_epoch

    def dies_in_the_last_epoch(*arguments: object) -> float:
        if arguments[3] == 2:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sft, "_train_epoch", dies_in_the_last_epoch)
    with pytest.raises(KeyboardInterrupt):
        warmstart(_config(tmp_path / "cut"), log=lambda line: None)
    assert not (tmp_path / "cut").exists()
    monkeypatch.setattr(sft, "_train_epoch", real)
    with pytest.raises(ConfigurationError, match="other settings"):
        warmstart(_config(tmp_path / "cut", epochs=4), log=lambda line: None)
    lines: list[str] = []
    warmstart(_config(tmp_path / "cut"), log=lines.append)
    assert lines[0] == "going on after epoch 2"
    cut = load_file(tmp_path / "cut" / "model.safetensors")
    for name, tensor in load_file(tmp_path / "whole" / "model.safetensors").items():
        assert torch.equal(tensor, cut[name]), name
    assert not (tmp_path / "cut.progress").exists()
    assert whole.name == "tiny"


def test_a_warm_start_keeps_its_settings_and_does_not_overwrite(tmp_path: Path) -> None:
    config = _config(tmp_path / "tiny", epochs=1)
    warmstart(config, log=lambda line: None)
    record = json.loads((tmp_path / "tiny" / "warmstart.json").read_text())
    assert (record["first_turns"], record["style"]["good_queries"]) == (1, 0.5)
    assert load_policy(tmp_path / "tiny").template == "plain"
    with pytest.raises(ConfigurationError, match="not empty"):
        warmstart(config, log=lambda line: None)


def test_the_command_takes_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = [
        f"env.questions={WORLD}",
        "env.protocol=plain",
        "first_turns=1",
        "vocabulary=600",
        "width=64",
        "layers=1",
        "supervised.epochs=1",
    ]
    assert main(["warmstart", f"output={tmp_path / 'tiny'}", *settings]) == 0
    assert "epoch 1/1" in capsys.readouterr().out
    assert main(["warmstart", f"output={tmp_path / 'tiny'}", "widht=3"]) != 0
    assert "did you mean" in capsys.readouterr().err


def test_gold_documents_without_queries_are_demonstrated_by_their_titles() -> None:
    task = small_task()
    bare = [replace(question, metadata={}) for question in task.questions]
    assert with_title_queries(task.questions, task.corpus) is task.questions
    asked = with_title_queries(bare, task.corpus)
    assert len(asked) == len(bare)
    style = DemonstrationStyle(good_queries=1.0, vague_queries=0.0)
    episodes = demonstrate(task.rules, asked, style)
    titles = {task.corpus[i].id: task.corpus[i].title for i in range(len(task.corpus))}
    for episode in episodes:
        gold = [{titles[id] for id in hop} for hop in episode.question.gold_documents]
        searched = _queries(episode)
        assert len(searched) == len(gold)
        assert all(query in hop for query, hop in zip(searched, gold, strict=True))
        assert task.rules.reward(episode) == 1.0
    # Where a bridge is named by no document of the episode, nothing is demonstrated.
    assert len(episodes) > 0.5 * len(bare)


def test_the_document_that_holds_the_answer_is_searched_for_last() -> None:
    documents = [Document(id="a", title="Ann", text="is 5."), Document(id="b", title="Bo", text="")]
    question = Question(id="1", text="?", answers=("5",), gold_documents=(("a",), ("b",)))
    (made,) = with_title_queries([question], documents)
    assert made.metadata["queries"] == ["Bo", "Ann"]


def test_questions_that_say_nothing_of_their_documents_are_refused() -> None:
    question = Question(id="1", text="?", answers=("x",), gold_documents=(("gone",),))
    with pytest.raises(DataError, match="supporting_documents"):
        with_title_queries([question], [Document(id="a", title="", text="")])


def test_a_pretrained_policy_is_judged_before_and_after_and_its_adapter_merged(
    tmp_path: Path,
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    write_weights(small_policy(), base)
    lines: list[str] = []
    config = replace(
        _config(tmp_path / "warm", epochs=1),
        policy=str(base),
        template="plain",
        lora_rank=2,
        questions=20,
        judged=3,
    )
    warmstart(config, log=lines.append)
    assert lines[0].startswith("before, on dev: exact_match 0.000 [0.000, 0.000], n = 3")
    assert lines[-1].startswith("after, on dev: exact_match")
    record = json.loads((tmp_path / "warm" / "warmstart.json").read_text())
    assert set(record["before"]) == set(record["after"]) >= {"exact_match", "valid_actions"}
    assert not (tmp_path / "warm" / "adapter").exists()
    assert trained_with(str(tmp_path / "warm")).template == "plain"
    old, new = (load_file(f / "model.safetensors") for f in (base, tmp_path / "warm"))
    assert old.keys() == new.keys()
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert changed
    assert all("proj" in name for name in changed)  # the adapter's linear layers, nothing else


def test_training_lowers_the_loss() -> None:
    task, policy = small_task(), small_policy()
    episodes = demonstrate(task.rules, task.questions[:60], DemonstrationStyle())
    examples = [episode_example(policy, episode) for episode in episodes]
    config = SupervisedConfig(epochs=1, learning_rate=1e-3, batch_tokens=2048)
    losses = [
        train_supervised(policy, lambda epoch: examples, config, log=lambda line: None)
        for _ in range(2)
    ]
    assert losses[1] < losses[0] - 0.3


def test_renamed_episodes_are_the_same_episodes_about_others() -> None:
    task, policy = small_task(), small_policy()
    style = DemonstrationStyle(good_queries=1.0, vague_queries=0.0)
    episodes = demonstrate(task.rules, task.questions, style)
    renamings = other_names(episodes, task.questions, 1.0, 0)
    for episode, names in zip(episodes, renamings, strict=True):
        example = episode_example(policy, episode, names=names)
        learned = policy.decode(example.ids[example.learned].tolist())
        for entity in episode.question.metadata["entities"]:
            assert names[entity] in learned
        answer = episode.question.answers[0]
        assert learned.endswith(f"<answer> {names.get(answer, answer)} </answer>")
    assert other_names(episodes, task.questions, 0.0, 0) == [{}] * len(episodes)
    half = other_names(episodes, task.questions, 0.5, 0)
    assert 0.3 < sum(map(bool, half)) / len(half) < 0.7


def test_all_names_change_at_once_and_as_whole_words() -> None:
    policy = small_policy()
    question = Question(id="1", text="Ann, Anna, Bo?", answers=("Bo",))
    episode = begin(small_task().rules, question, group_id="g", seed=0)
    step = Step(output="Ann and Anna", action=Invalid(reason="no_tag", end=12), observation=" Bo")
    example = episode_example(
        policy, replace(episode, steps=(step,)), names={"Ann": "Bo", "Bo": "Cy"}
    )
    assert "Question: Bo, Anna, Cy?" in policy.decode(example.ids.tolist())
    assert policy.decode(example.ids.tolist()).endswith("Bo and Anna Cy")
