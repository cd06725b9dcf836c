"""A tour of episodes, with what each search was worth: `python -m benchmarks.tour`.

For a question of every kind in the embedded world the gold queries are played, then the same
queries about something else, so that one sees the gain tell them apart.
"""

from __future__ import annotations

import numpy as np

from igs_env.rendering import render_episode
from igs_env.task import Task, make_task
from igs_env.transition import advance, begin
from igs_env.types import Episode, InformationGain, Question


def main() -> None:
    task = make_task(split="dev")
    print(f"{len(task.corpus):,} documents, {len(task.questions):,} dev questions\n")
    kinds = sorted({(q.kind, q.hops) for q in task.questions})
    means = []
    for kind, hops in kinds:
        same = [q for q in task.questions if (q.kind, q.hops) == (kind, hops)]
        question, other = _pair(same)
        print(f"── {kind}, {hops} hop{'s' if hops > 1 else ''} ".ljust(100, "─"))
        right, right_gains = _play(task, question, question)
        print(render_episode(right, right_gains), "\n")
        wrong, wrong_gains = _play(task, question, other)
        print("The same question, searched as if it were another one:\n")
        print(render_episode(wrong, wrong_gains, show_gold=False), "\n")
        means.append((kind, hops, right_gains[-2], wrong_gains[-2]))
    _summary(means)


def _pair(questions: list[Question]) -> tuple[Question, Question]:
    """A question, and one of the same relations about something else."""
    for question in questions:
        for other in questions:
            same = other.metadata["relations"] == question.metadata["relations"]
            if same and set(other.answers).isdisjoint(question.answers):
                return question, other
    return questions[0], questions[-1]


def _play(
    task: Task, question: Question, told: Question
) -> tuple[Episode, list[InformationGain | None]]:
    episode = begin(task.rules, question, group_id=question.id, seed=0)
    gains: list[InformationGain | None] = []
    outputs = [f"<search> {query} </search>" for query in told.metadata["queries"]]
    for output in [*outputs, f"<answer> {told.answers[0]} </answer>"]:
        (episode,) = advance(task.rules, [episode], [output])
        gains += task.gains([episode], batch=[episode])
    return episode, gains


def _summary(
    means: list[tuple[str, int, InformationGain | None, InformationGain | None]],
) -> None:
    print("Gain of the last search, nats per answer token (the scorer is a word statistic):")
    for kind, hops, right, wrong in means:
        values = [gain.value if gain else np.nan for gain in (right, wrong)]
        print(f"  {kind}, {hops} hops: {values[0]:+.2f} gold query, {values[1]:+.2f} wrong one")
    print("\nNext: igs play · examples/ · docs/environment.md")


if __name__ == "__main__":
    main()
