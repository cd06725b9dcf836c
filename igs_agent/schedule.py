"""When a run evaluates, saves and ends, and how fast it learns meanwhile."""

from __future__ import annotations

from igs_agent.run import Run


def due(update: int, every: int, last: int) -> bool:
    """Whether something that comes every so many updates, and at the end, comes now.

    >>> [update for update in range(1, 8) if due(update, every=3, last=7)]
    [3, 6, 7]
    >>> [update for update in range(1, 8) if due(update, every=0, last=7)]
    [7]
    """
    return update == last or (every > 0 and update % every == 0)


def out_of_patience(run: Run) -> bool:
    """Whether evaluation stopped improving: early stopping."""
    return 0 < run.config.evaluation.patience <= run.state.without_improvement


def set_learning_rate(run: Run) -> None:
    """Give the optimiser the learning rate of the update that comes."""
    rate = run.config.optim.learning_rate_at(run.state.update, run.config.updates)
    for group in run.optimizer.param_groups:
        group["lr"] = rate


def ended_early(run: Run, asked: bool) -> str:
    """Why a run ended before its last update, and how to go on where somebody asked it to stop."""
    done = f"stopped after {run.state.update} updates"
    if asked:
        return f'{done}; go on with "igs train --resume run={run.config.run}"'
    return (
        f"{done}: no better EM in the last {run.state.without_improvement} evaluations "
        "(evaluation.patience)"
    )
