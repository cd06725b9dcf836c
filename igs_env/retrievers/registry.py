"""Retrievers by name, and what a `retriever=` argument means."""

from __future__ import annotations

import inspect
from typing import Any, TypeGuard

from igs_env.components import find_component
from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError
from igs_env.retrievers.contract import Retriever

RETRIEVERS: dict[str, str] = {
    "bm25": "igs_env.retrievers.bm25:BM25Retriever",
    "dense": "igs_env.retrievers.dense:dense",
    "hybrid": "igs_env.retrievers.hybrid:hybrid",
    "cached": "igs_env.retrievers.cached:cached",
    "http": "igs_env.retrievers.http:http",
    "sharded": "igs_env.retrievers.sharded:sharded",
    "recorded": "igs_env.retrievers.recorded:recorded",
    "replayed": "igs_env.retrievers.recorded:replayed",
}
"""Name → factory, called with `corpus=` and the `retriever_kwargs`; imported on first use."""


def make_retriever(spec: str | Retriever, corpus: Corpus | None, **kwargs: Any) -> Retriever:
    """The retriever that `spec` names.

    Args:
        spec: a key of `RETRIEVERS`; the URL of a retrieval server; `module:attribute`, a factory
            that is called with `corpus=` and `kwargs`, or a retriever; or a live retriever.
        corpus: what is searched. A URL does not need it: its server has its own.
        kwargs: arguments of the factory.

    Raises:
        ConfigurationError: unknown name, arguments that the factory does not take, or an object
            without `search`.

    >>> from igs_env.datasets import open_corpus
    >>> from igs_env.types import Document
    >>> corpus = open_corpus([Document(id="1", title="Alien", text="A film by Ridley Scott.")])
    >>> make_retriever("bm25", corpus).search(["who made Alien"], top_k=3)[0][0].id
    '1'
    >>> make_retriever("bm52", corpus)
    Traceback (most recent call last):
    igs_env.errors.ConfigurationError: no retriever 'bm52' (did you mean 'bm25'?); choose from:
    bm25, cached, dense, http, hybrid, recorded, replayed, sharded
    """
    if is_url(spec):
        return make_retriever("http", corpus, url=spec, **kwargs)
    found = find_component("retriever", spec, RETRIEVERS)
    is_factory = isinstance(found, type) or not hasattr(found, "search")
    if not is_factory:
        if kwargs:
            raise ConfigurationError(
                f"retriever {spec!r} is already made and takes no arguments; got "
                f"{', '.join(kwargs)}"
            )
        return _checked(spec, found)
    if not callable(found):
        raise ConfigurationError(
            f"retriever {spec!r} is {type(found).__name__}; needs search(queries, top_k)"
        )
    return _checked(spec, _call(spec, found, corpus, kwargs))


def is_url(spec: object) -> TypeGuard[str]:
    """Whether `retriever=` is the address of a server.

    >>> is_url("http://127.0.0.1:8000/retrieve"), is_url("bm25")
    (True, False)
    """
    return isinstance(spec, str) and spec.startswith(("http://", "https://"))


def _call(spec: object, factory: Any, corpus: Corpus | None, kwargs: dict[str, Any]) -> Any:
    try:
        inspect.signature(factory).bind(corpus=corpus, **kwargs)
    except TypeError as error:
        raise ConfigurationError(
            f"retriever {spec!r}: {error}; it is called with corpus= and "
            f"{', '.join(kwargs) or 'no other argument'}, and takes "
            f"{', '.join(inspect.signature(factory).parameters) or 'no arguments'}: give it those, "
            "or name an instance"
        ) from error
    return factory(corpus=corpus, **kwargs)


def _checked(spec: object, retriever: Any) -> Retriever:
    if not isinstance(retriever, Retriever):
        raise ConfigurationError(
            f"retriever {spec!r} made {type(retriever).__name__}, which has no "
            "search(queries, top_k); see igs_env.retrievers.Retriever"
        )
    return retriever
