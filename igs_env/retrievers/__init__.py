"""Search backends: what one is, the ones there are, and how one is made from its name."""

from igs_env.retrievers.contract import PartlyFailedError, Retriever, search_each, search_unique
from igs_env.retrievers.registry import RETRIEVERS, is_url, make_retriever

__all__ = [
    "PartlyFailedError",
    "RETRIEVERS",
    "Retriever",
    "is_url",
    "make_retriever",
    "search_each",
    "search_unique",
]
