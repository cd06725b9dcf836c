"""`igs index` and `igs serve`, as processes."""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from retrieval_fixtures import small_corpus

from igs_agent.cli import index, serve
from igs_env.datasets import open_corpus
from igs_env.datasets.contents import format_contents
from igs_env.errors import ConfigurationError, DataError, IndexMismatchError
from igs_env.retrievers import make_retriever


def run(verb: ModuleType, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    code: int = verb.run(parser.parse_args(arguments))
    return code


@pytest.fixture
def corpus_file(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    rows = [{"id": d.id, "contents": format_contents(d)} for d in small_corpus()]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.parametrize(("retriever", "kwargs"), [("bm25", {}), ("dense", {"encoder": "hashing"})])
def test_an_index_that_was_built_is_opened(
    corpus_file: Path, tmp_path: Path, retriever: str, kwargs: dict[str, str]
) -> None:
    output = tmp_path / "out" / "index"
    arguments = ["--corpus", str(corpus_file), "--output", str(output), "--retriever", retriever]
    for _ in range(2):
        assert run(index, *arguments, "--encoder", "hashing") == 0
    made = make_retriever(retriever, open_corpus(corpus_file), index=output, **kwargs)
    assert made.search(["film Gladiator"], 1)[0][0].title == "Gladiator"


def test_an_index_is_not_overwritten_with_that_of_another_corpus(
    corpus_file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"id": "1", "contents": "Other text."}')
    for retriever in ("bm25", "dense"):
        output = str(tmp_path / retriever)
        options = ["--output", output, "--retriever", retriever, "--encoder", "hashing"]
        run(index, "--corpus", str(corpus_file), *options)
        with pytest.raises(IndexMismatchError, match="another corpus"):
            run(index, "--corpus", str(other), *options)


def test_a_missing_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.jsonl"):
        run(index, "--corpus", str(tmp_path / "nowhere.jsonl"), "--output", str(tmp_path / "i"))


def test_arguments_that_are_no_json_object_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("{half", "[1]"):
        with pytest.raises(SystemExit):
            run(index, "--corpus", "x", "--output", "y", "--encoder-kwargs", text)
        assert text in capsys.readouterr().err


SERVE = """
import argparse, sys
from igs_agent.cli import serve
parser = argparse.ArgumentParser()
serve.add_arguments(parser)
sys.exit(serve.run(parser.parse_args(sys.argv[1:])))
"""


def test_a_served_corpus_is_searched_and_the_server_ends_when_it_is_told(
    corpus_file: Path,
) -> None:
    command = [sys.executable, "-c", SERVE, "--corpus", str(corpus_file), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            url = line.removeprefix("serving at ").strip()
            found = make_retriever(url, None).search(["film Gladiator"], 1)
            assert found[0][0].title == "Gladiator"
            health = httpx.get(url.replace("/retrieve", "/healthz")).json()
            assert health["documents"] == len(small_corpus())
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_a_port_that_is_taken_is_told_before_anything_else_happens(corpus_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(ConfigurationError, match=f"port {port}: Address already in use"):
            run(serve, "--corpus", str(corpus_file), "--port", port)
