"""Evaluation: what an episode achieved, and means over questions."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_generator import ScriptedGenerator
from small_policy import small_policy, small_task

from igs_agent.evaluation import (
    Evaluation,
    EvaluationRow,
    evaluate,
    read_evaluation,
    trajectory_row,
)
from igs_agent.evaluation_table import comparison_table, markdown_table
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.tracking import write_jsonl
from igs_env.errors import DataError, RetrievalError
from igs_env.types import Document, Question

TASK = small_task()
ONE = next(q for q in TASK.questions if q.hops == 1)
TWO = next(q for q in TASK.questions if q.hops == 2)

Script = Callable[[Question, int], str]


def perfect(question: Question, turn: int) -> str:
    queries = question.metadata["queries"]
    if turn < len(queries):
        return f"<search> {queries[turn]} </search>"
    return f"<answer> {question.answers[0]} </answer>"


def played(questions: Sequence[Question], script: Script, **options: object) -> Evaluation:
    """An evaluation in which the question at each place plays by the script."""
    policy = small_policy()

    def write(key: str, turn: int) -> str:
        return script(questions[int(key.split("/")[1])], turn)

    generator = ScriptedGenerator(policy, write)
    arguments = {"max_tokens": 64, **options}
    return evaluate(TASK.rules, policy, generator, questions, **arguments)  # type: ignore[arg-type]


def row(**changes: object) -> EvaluationRow:
    blank = EvaluationRow(
        dataset="",
        question_id="q",
        question="Who?",
        kind="",
        hops=1,
        answer="",
        exact_match=0.0,
        f1=0.0,
        sub_exact_match=0.0,
        recall=None,
        searches=0,
        policy_tokens=0,
        valid_actions=1.0,
        truncated=False,
        retrieval_failed=False,
    )
    return replace(blank, **changes)  # type: ignore[arg-type]


def test_a_perfect_searcher_gets_everything() -> None:
    evaluation = played([ONE, TWO], perfect)
    for name in ("exact_match", "f1", "sub_exact_match", "recall", "valid_actions"):
        assert evaluation.mean(name) == 1.0, name
    assert [row.searches for row in evaluation.rows] == [1, 2]
    assert evaluation.mean("searches") == (1 + 2) / 2


def test_recall_is_the_share_of_hops_that_were_found() -> None:
    def first_hop_only(question: Question, turn: int) -> str:
        return perfect(question, turn) if turn == 0 else "<answer> something else </answer>"

    evaluation = played([ONE, TWO], first_hop_only)
    assert [row.recall for row in evaluation.rows] == [1.0, 1 / 2]
    assert evaluation.mean("recall") == (1 + 1 / 2) / 2
    assert evaluation.mean("exact_match") == 0.0


def test_recall_is_absent_where_the_dataset_names_no_documents() -> None:
    unknown = replace(ONE, gold_documents=())
    evaluation = played([unknown, replace(TWO, id="two")], perfect)
    assert [row.recall for row in evaluation.rows] == [None, 1.0]
    assert evaluation.mean("recall") == 1.0
    assert math.isnan(played([unknown], perfect).mean("recall"))
    assert played([unknown], perfect).interval("recall").n == 0


def test_partial_answers_get_partial_scores() -> None:
    question = replace(ONE, answers=("Ridley Scott",))
    evaluation = played([question], lambda question, turn: "<answer> by Ridley Scott </answer>")
    (found,) = evaluation.rows
    assert (found.exact_match, found.sub_exact_match) == (0.0, 1.0)
    assert found.f1 == 2 * (2 / 3) * 1 / (2 / 3 + 1)
    assert found.answer == "by Ridley Scott"


def test_an_episode_without_an_answer_is_truncated_and_scores_nothing() -> None:
    evaluation = played([ONE], lambda question, turn: "<think> hm </think> nothing to do")
    (found,) = evaluation.rows
    assert (found.truncated, found.exact_match, found.answer) == (True, 0.0, "")
    assert found.valid_actions == 0.0


def test_valid_actions_are_a_share_of_the_steps() -> None:
    def one_slip(question: Question, turn: int) -> str:
        return "<search>  </search>" if turn == 0 else perfect(question, turn - 1)

    (found,) = played([ONE], one_slip).rows
    assert found.valid_actions == 2 / 3
    assert found.exact_match == 1.0


def test_tokens_are_those_that_the_policy_wrote() -> None:
    policy = small_policy()
    (found,) = played([ONE], perfect).rows
    written = [perfect(ONE, turn) for turn in (0, 1)]
    assert found.policy_tokens == sum(len(policy.encode(text)) for text in written)


class _Broken:
    """Fails for one query."""

    def __init__(self, query: str) -> None:
        self._query = query

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        if self._query in queries:
            raise RetrievalError("out of order")
        return TASK.rules.retriever.search(queries, top_k)


def test_a_failed_retrieval_is_counted_and_in_no_mean() -> None:
    policy = small_policy()
    rules = replace(TASK.rules, retriever=_Broken(ONE.metadata["queries"][0]))

    def alone(question: Question) -> Evaluation:
        generator = ScriptedGenerator(policy, lambda key, turn: perfect(question, turn))
        return evaluate(rules, policy, generator, [question], max_tokens=64)

    evaluation = Evaluation(rows=(*alone(ONE).rows, *alone(TWO).rows))
    assert [row.retrieval_failed for row in evaluation.rows] == [True, False]
    assert evaluation.mean("exact_match") == 1.0
    assert evaluation.interval("exact_match").n == 1
    assert evaluation.metrics()["eval/retrieval_failed"] == 1 / 2
    assert "1 episodes ended by a failed retrieval and do not count." in markdown_table(evaluation)


def test_exact_match_is_a_mean_over_questions_and_not_over_batches() -> None:
    """124 questions at .2 in one batch and one at 1.0 in another are not .6 (trap T6)."""
    rows = [row(question_id=str(i), exact_match=float(i < 25)) for i in range(124)]
    evaluation = Evaluation(rows=(*rows, row(question_id="last", exact_match=1.0)))
    assert evaluation.mean("exact_match") == (25 + 1) / 125
    assert evaluation.interval("exact_match").n == 125


def test_episodes_of_one_question_count_as_one_item() -> None:
    rows = [row(question_id="a", exact_match=x) for x in (1.0, 0.0, 0.0)]
    evaluation = Evaluation(rows=(*rows, row(question_id="b", exact_match=1.0)))
    assert evaluation.mean("exact_match") == (1 / 3 + 1) / 2
    assert evaluation.interval("exact_match").n == 2


def test_equal_ids_of_different_datasets_are_different_questions() -> None:
    rows = (row(dataset="nq", exact_match=1.0), row(dataset="popqa", exact_match=0.0))
    assert Evaluation(rows=rows).interval("exact_match").n == 2


def test_results_do_not_depend_on_how_many_episodes_are_alive_at_once() -> None:
    policy = small_policy()
    found = [
        evaluate(
            TASK.rules,
            policy,
            NativeGenerator(policy),
            TASK.questions[:6],
            max_tokens=12,
            temperature=1.0,
            samples=2,
            max_rows=max_rows,
        )
        for max_rows in (256, 3)
    ]
    assert found[0] == found[1]
    assert len(found[0].rows) == 12


def test_evaluating_costs_the_tokens_of_the_rollouts_and_nothing_for_gains() -> None:
    policy = small_policy()
    evaluated, played = NativeGenerator(policy), NativeGenerator(policy)
    questions = TASK.questions[:4]
    evaluate(TASK.rules, policy, evaluated, questions, max_tokens=12, temperature=1.0, seed=3)
    rollout(
        TASK.rules,
        policy,
        played,
        RolloutPlan(questions=questions, group_size=1, seed=3),
        Sampling(max_tokens=12),
    )
    assert evaluated.forward_tokens == played.forward_tokens > 0


def test_no_scorer_is_constructed_at_inference() -> None:
    program = """
import sys
sys.path.insert(0, sys.argv[1])
from small_policy import small_policy, small_task
from igs_agent.evaluation import evaluate
from igs_agent.generation.native import NativeGenerator
task, policy = small_task(), small_policy()
assert task.scorer is None and task.sampler is None
evaluate(task.rules, policy, NativeGenerator(policy), task.questions[:2], max_tokens=8)
assert not [name for name in sys.modules if name in ("igs_agent.scorer", "igs_agent.gains")]
"""
    run = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_table_has_a_row_per_dataset_hop_count_and_kind() -> None:
    rows = [
        row(question_id=f"{dataset}{hops}{kind}", dataset=dataset, hops=hops, kind=kind)
        for dataset in ("nq", "popqa")
        for hops in (1, 2)
        for kind in ("bridge", "comparison")
    ]
    lines = markdown_table(Evaluation(rows=tuple(rows))).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        *("all", "nq", "popqa", "1 hop", "2 hops", "bridge", "comparison"),
    ]
    assert [line.split("|")[2].strip() for line in lines[2:]] == ["8"] + ["4"] * 6
    assert "| 0.000 [0.000, 0.000] |" in lines[2]


def test_the_table_leaves_out_groups_of_one_value() -> None:
    table = markdown_table(Evaluation(rows=(row(), row(question_id="r"))))
    assert len(table.splitlines()) == 3
    assert table.splitlines()[2].startswith("| all | 2 | 0.000 [0.000, 0.000] |")


def test_a_comparison_is_paired_over_the_questions_in_common() -> None:
    first = [row(question_id=str(i), exact_match=0.0, recall=0.5) for i in range(10)]
    second = [row(question_id=str(i), exact_match=float(i > 4), recall=1.0) for i in range(2, 12)]
    table = comparison_table(Evaluation(rows=tuple(first)), Evaluation(rows=tuple(second)))
    em = next(line for line in table.splitlines() if line.startswith("| EM"))
    assert em.startswith("| EM | 8 | 0.000 | 0.625 | +0.625 [")
    assert "| recall | 8 | 0.500 | 1.000 | +0.500 [+0.500, +0.500] |" in table
    assert "4 questions are only in one of the two" in table


def test_two_evaluations_of_different_questions_cannot_be_compared() -> None:
    with pytest.raises(DataError, match="no question in common"):
        comparison_table(
            Evaluation(rows=(row(question_id="a"),)), Evaluation(rows=(row(question_id="b"),))
        )


def test_rows_survive_their_file(tmp_path: Path) -> None:
    evaluation = played([ONE, replace(TWO, gold_documents=())], perfect, dataset="fiction")
    write_jsonl(tmp_path / "rows.jsonl", evaluation.as_dicts())
    assert read_evaluation(tmp_path / "rows.jsonl") == evaluation


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "has no rows"), ('{"update": 1}\n', "is no evaluation: a row lacks answer, dataset")],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "rows.jsonl").write_text(content)
    with pytest.raises(DataError, match=message):
        read_evaluation(tmp_path / "rows.jsonl")


def test_an_episode_whose_prompt_does_not_fit_is_a_row_that_scores_nothing() -> None:
    policy = small_policy(context=64)
    long = replace(ONE, id="long", text=ONE.text * 9)
    evaluation = evaluate(TASK.rules, policy, NativeGenerator(policy), [ONE, long], max_tokens=30)
    fits, found = evaluation.rows
    assert fits.policy_tokens > 0
    assert (found.truncated, found.exact_match, found.policy_tokens) == (True, 0.0, 0)


def test_a_row_is_read_off_the_trajectory_alone() -> None:
    policy = small_policy()
    (trajectory,) = rollout(
        TASK.rules,
        policy,
        ScriptedGenerator(policy, lambda key, turn: perfect(ONE, turn)),
        RolloutPlan(questions=[ONE], group_size=1, seed=0),
        Sampling(max_tokens=64),
    )
    assert trajectory_row(trajectory) == played([ONE], perfect).rows[0]
