"""Checkers for your own parts, and scripted parts for your own tests."""

from igs_env.retrievers.check import check_retriever
from igs_env.testing.check_environment import check_environment
from igs_env.testing.check_protocol import check_protocol
from igs_env.testing.check_sampler import check_sampler
from igs_env.testing.check_scorer import check_scorer
from igs_env.testing.examples import example_episodes, example_requests
from igs_env.testing.fakes import (
    ConstantScorer,
    FailingRetriever,
    ScriptedRetriever,
    ScriptedSearcher,
)

__all__ = [
    "ConstantScorer",
    "FailingRetriever",
    "ScriptedRetriever",
    "ScriptedSearcher",
    "check_environment",
    "check_protocol",
    "check_retriever",
    "check_sampler",
    "check_scorer",
    "example_episodes",
    "example_requests",
]
