"""`igs index`: build the index of a corpus."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HELP = "build the index of a corpus"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `igs index`."""
    parser.add_argument("--corpus", required=True, help="name or file, e.g. atlas, wiki-18.jsonl")
    parser.add_argument("--output", required=True, type=Path, help="folder of the index")
    parser.add_argument("--retriever", choices=("dense", "bm25"), default="dense")
    parser.add_argument(
        "--encoder", default="minilm", help="minilm, wordllama, hashing, a model folder or hub name"
    )
    parser.add_argument(
        "--encoder-kwargs",
        type=json_object,
        default={},
        metavar="JSON",
        help='arguments of the encoder, e.g. \'{"device": "cuda", "dtype": "bfloat16"}\'',
    )
    parser.add_argument("--factory", default="Flat", help="FAISS factory string, e.g. HNSW32")
    parser.add_argument(
        "--passage-prefix", help="put in front of documents; default: what the model is known for"
    )


def run(args: argparse.Namespace) -> int:
    """Build, or go on with a build that was killed."""
    from igs_env.datasets import open_corpus

    corpus = open_corpus(args.corpus)
    if args.retriever == "bm25":
        from igs_env.retrievers.bm25 import build_bm25_index

        build_bm25_index(corpus, args.output)
    else:
        _build_dense(args, corpus)
    print(f"{args.output}: {args.retriever} index of {len(corpus):,} documents", file=sys.stderr)
    return 0


def _build_dense(args: argparse.Namespace, corpus: Any) -> None:
    from igs_env.retrievers.dense_index import build_dense_index
    from igs_env.retrievers.encoder import make_encoder
    from igs_env.retrievers.prefixes import default_prefixes

    prefix = args.passage_prefix
    build_dense_index(
        corpus,
        make_encoder(args.encoder, **args.encoder_kwargs),
        args.output,
        factory=args.factory,
        passage_prefix=default_prefixes(args.encoder).passage if prefix is None else prefix,
    )


def json_object(text: str) -> dict[str, Any]:
    """A JSON object from the command line.

    >>> json_object('{"device": "cpu"}')
    {'device': 'cpu'}
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'{text!r} is no JSON object; write {{"key": value}}')
    return value
