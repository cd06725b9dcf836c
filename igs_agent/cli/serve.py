"""`igs serve`: a retrieval server that speaks Search-R1's dialect."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from igs_agent.cli.index import json_object

if TYPE_CHECKING:
    from igs_env.datasets import Corpus

HELP = "serve a corpus to searchers over HTTP"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `igs serve`."""
    parser.add_argument("--corpus", required=True, help="name or file, e.g. atlas, wiki-18.jsonl")
    parser.add_argument("--retriever", default="bm25", help="bm25, dense, hybrid, module:attribute")
    parser.add_argument("--index", help="folder that igs index wrote; default: built when needed")
    parser.add_argument("--encoder", help="for --retriever dense: see igs index")
    parser.add_argument(
        "--retriever-kwargs",
        type=json_object,
        default={},
        metavar="JSON",
        help='further arguments of the retriever, e.g. \'{"search_parameters": "nprobe=32"}\'',
    )
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="serve the I-th (from 0) of N parts, for the retriever 'sharded'; dense only",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--top-k", type=int, default=3, help="documents where a request says none")
    parser.add_argument("--max-top-k", type=int, default=100, help="most documents for one query")
    parser.add_argument("--max-queries", type=int, default=1024, help="most queries in one request")
    parser.add_argument(
        "--max-requests", type=int, default=1024, help="requests under way before 429 is answered"
    )
    parser.add_argument(
        "--max-waiting", type=int, default=4096, help="queries waiting before 503 is answered"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from igs_env.datasets import open_corpus
    from igs_env.retrievers import make_retriever
    from igs_env.retrievers.identity import identity
    from igs_env.retrievers.search_request import ServerLimits
    from igs_env.retrievers.server import create_app, serve
    from igs_env.retrievers.token import VARIABLE, authorization

    whole = open_corpus(args.corpus)
    corpus = _part(whole, args)
    retriever = make_retriever(args.retriever, corpus, **_retriever_kwargs(args))
    limits = ServerLimits(
        queries=args.max_queries,
        top_k=args.max_top_k,
        waiting=args.max_waiting,
        requests=args.max_requests,
    )
    app = create_app(
        retriever,
        documents=len(corpus),
        default_top_k=args.top_k,
        limits=limits,
        shard=args.shard or "",
        corpus=identity(whole.fingerprint, args.retriever, args.encoder, args.retriever_kwargs),
    )
    if args.host not in LOOPBACK and not authorization():
        print(
            f"listening at {args.host}: whoever reaches this machine can search; set {VARIABLE} "
            "to a secret that clients must have",
            file=sys.stderr,
        )
    # Ctrl-C is how a server is meant to end.
    with suppress(KeyboardInterrupt):
        serve(app, host=args.host, port=args.port)
    return 0


def _part(corpus: Corpus, args: argparse.Namespace) -> Corpus:
    from igs_env.datasets.part import CorpusPart
    from igs_env.errors import ConfigurationError

    if args.shard is None:
        return corpus
    number, slash, parts = args.shard.partition("/")
    if not (slash and number.isdecimal() and parts.isdecimal()):
        raise ConfigurationError(f"--shard is written I/N, as 0/4; got {args.shard!r}")
    if args.retriever != "dense":
        raise ConfigurationError(
            f"--shard with --retriever {args.retriever}: its scores depend on the other documents "
            "of a shard and could not be merged; use --retriever dense"
        )
    return CorpusPart(corpus, int(number), int(parts))


def _retriever_kwargs(args: argparse.Namespace) -> dict[str, Any]:
    named = {"index": args.index, "encoder": args.encoder}
    return {**{key: value for key, value in named.items() if value}, **args.retriever_kwargs}
