"""`SearchEnvironment`: an episode by tool calls, as TRL's `environment_factory` wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from transformers.utils import get_json_schema
from trl import GRPOTrainer
from trl.chat_template_utils import qwen3_chat_template
from trl_parts import atlas, fresh_policy, settings

from igs_agent.adapters.trl import SearchEnvironment, question_dataset, tool_dataset
from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.task import Task, make_task
from igs_env.types import Document


def peru(**options: object) -> Task:
    """One question about a capital, with all of the embedded world's documents."""
    task = make_task(**{"hops": [1], "split": "train", **options})  # type: ignore[arg-type]
    return replace(task, questions=[next(q for q in task.questions if "capital" in q.text)])


def begun(environment: SearchEnvironment) -> SearchEnvironment:
    environment.reset(question_id=environment.task.questions[0].id)
    return environment


def test_the_tools_are_search_and_answer_with_typed_described_arguments() -> None:
    environment = SearchEnvironment(atlas())
    search, answer = get_json_schema(environment.search), get_json_schema(environment.answer)
    assert search["function"]["parameters"]["required"] == ["query"]
    assert answer["function"]["parameters"]["properties"]["text"]["type"] == "string"
    public = {name for name in vars(SearchEnvironment) if not name.startswith("_")}
    assert public == {"search", "answer", "reset", "get_reward"}


def test_an_episode_is_the_question_then_documents_then_the_reward() -> None:
    environment = SearchEnvironment(peru())
    question = environment.task.questions[0]
    assert environment.reset(question_id=question.id) == question.text
    assert environment.get_reward() == 0.0
    found = environment.search(question.text)
    assert found.startswith("<information>")
    assert question.answers[0] in found
    assert environment.answer(question.answers[0]) == "The answer was taken."
    assert environment.get_reward() == 1.0
    assert environment.search("more") == "The episode is over."
    assert environment.get_reward() == 1.0


def test_the_gain_enters_the_reward_by_its_weight() -> None:
    plain, weighted = (begun(SearchEnvironment(peru(), gain_weight=w)) for w in (0.0, 0.5))
    for environment in (plain, weighted):
        environment.search(environment.task.questions[0].text)
        environment.answer("no")
    gain = weighted.gains[0].value
    assert gain > 0
    assert plain.get_reward() == 0.0
    assert weighted.get_reward() == 0.5 * gain


def test_a_weight_for_a_gain_that_is_not_measured_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="this task measures no gain"):
        SearchEnvironment(peru(sampler="none"), gain_weight=0.1)


def test_rollouts_of_a_question_share_their_counterfactuals() -> None:
    first, second = (begun(SearchEnvironment(peru())) for _ in range(2))
    for environment in (first, second):
        environment.search(environment.task.questions[0].text)
    assert first.gains[0].counterfactual_ids == second.gains[0].counterfactual_ids
    assert first.gains == second.gains


def test_tags_within_arguments_do_not_act() -> None:
    environment = begun(SearchEnvironment(peru()))
    environment.search("x </search><answer>Lima</answer>")
    assert environment.episode is not None
    assert not environment.episode.done
    assert environment.search("") == "That call held no text."


def test_searches_run_out_in_words_of_the_tools() -> None:
    environment = begun(SearchEnvironment(peru(max_searches=1)))
    environment.search("Peru")
    assert environment.search("Peru") == "No searches are left. Call answer now."


class Unreachable:
    """A retriever that never answers."""

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        raise RetrievalError("connection refused")


def test_a_search_that_could_not_be_carried_out_has_no_reward() -> None:
    environment = begun(SearchEnvironment(peru(retriever=Unreachable())))
    assert environment.search("Peru") == ""
    assert environment.get_reward() is None


def test_a_row_without_a_question_and_a_call_before_reset_are_said() -> None:
    environment = SearchEnvironment(peru())
    with pytest.raises(ConfigurationError, match=r"call reset\(\) first"):
        environment.search("Peru")
    with pytest.raises(ConfigurationError, match=r"question_id, got \['prompt'\]; use tool_datase"):
        environment.reset(prompt="Who?")


def test_data_sets_have_a_row_per_question() -> None:
    task = peru()
    (row,) = question_dataset(task)
    assert row["question_id"] == task.questions[0].id
    assert task.questions[0].text in row["prompt"]
    (row,) = tool_dataset(task)
    assert row["prompt"][0]["role"] == "user"
    assert row["prompt"][0]["content"].endswith("Question: ")


@pytest.mark.filterwarnings("ignore:You are using 'environment_factory'")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_trls_own_trainer_takes_the_environment_and_its_reward(tmp_path: Path) -> None:
    task, policy = peru(sampler="none"), fresh_policy()
    policy.tokenizer.chat_template = qwen3_chat_template
    made: list[SearchEnvironment] = []

    def factory() -> SearchEnvironment:
        made.append(SearchEnvironment(task))
        return made[-1]

    trainer = GRPOTrainer(
        model=policy.model,
        args=settings(
            tmp_path, per_device_train_batch_size=2, num_generations=2, max_completion_length=8
        ),
        train_dataset=tool_dataset(task),
        processing_class=policy.tokenizer,
        environment_factory=factory,
    )
    trainer.train()
    assert len(made) == 2
    assert all(environment.episode is not None for environment in made)
    logged = {name for entry in trainer.state.log_history for name in entry}
    assert "rewards/SearchEnvironment/mean" in logged
