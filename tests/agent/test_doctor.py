"""`igs doctor`: one test per finding, on real models, corpora, indexes and servers."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import cycle
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from small_policy import WORLD, run_settings, small_policy

from igs_agent.cli import main
from igs_agent.config_file import load_config
from igs_agent.doctor import Diagnosis, Finding, diagnose
from igs_agent.doctor.machine_parts import check_disk
from igs_agent.weights import write_weights
from igs_env.datasets import open_corpus
from igs_env.retrievers import make_retriever
from igs_env.retrievers.dense_index import build_dense_index
from igs_env.retrievers.encoder import make_encoder
from igs_env.retrievers.server import create_app, serving

NOWHERE = "http://127.0.0.1:9/retrieve"
HASHING = "env.retriever=dense", 'env.retriever_kwargs={encoder="hashing"}'


@pytest.fixture(autouse=True)
def _empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer once downloaded must not count."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "datasets")


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_weights(small_policy(), folder)
    return folder


@pytest.fixture
def settings(tmp_path: Path, model_folder: Path) -> list[str]:
    return run_settings(tmp_path / "run", model_folder)


def examined(settings: list[str], *more: str) -> Diagnosis:
    return diagnose(load_config(None, [*settings, *more]))


def the(diagnosis: Diagnosis, part: str) -> Finding:
    (finding,) = [finding for finding in diagnosis.findings if finding.part == part]
    return finding


def own_corpus(folder: Path, rows: int = 6) -> Path:
    lines = [json.dumps({"id": str(i), "contents": f'"Title {i}"\ntext {i}'}) for i in range(rows)]
    (folder / "corpus.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "corpus.jsonl"


def test_a_run_that_has_everything_is_told_so(settings: list[str]) -> None:
    diagnosis = examined(settings)
    assert diagnosis.missing == ()
    states = {finding.part: finding.state for finding in diagnosis.findings}
    expected = ("model", "tokenizer", "questions", "corpus", "retriever", "disk", "memory")
    assert {part: states[part] for part in expected} == dict.fromkeys(expected, "ok")


def test_a_model_that_is_not_there_is_missing_with_the_command_that_fetches_it(
    settings: list[str],
) -> None:
    found = the(examined(settings, "policy=Qwen/Qwen2.5-0.5B"), "model")
    assert (found.state, found.found) == ("missing", "Qwen/Qwen2.5-0.5B is not on this machine")
    assert found.remedy == "hf download Qwen/Qwen2.5-0.5B  (988.1 MB)"
    local = the(examined(settings, "policy=runs/nothing"), "model")
    assert "igs warmstart or igs convert" in local.remedy


def test_weights_that_are_not_whole_are_missing(
    settings: list[str], model_folder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "model"
    shutil.copytree(model_folder, broken)
    (broken / "model.safetensors").unlink()
    assert the(examined(settings, f"policy={broken}"), "model").found.endswith(
        "lacks model.safetensors"
    )
    shards = {"weight_map": {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors"}}
    (broken / "model.safetensors.index.json").write_text(json.dumps(shards))
    (broken / "model-1-of-2.safetensors").touch()
    lacking = the(examined(settings, f"policy={broken}"), "model")
    assert lacking.found.endswith("lacks model-2-of-2.safetensors")


def test_a_configuration_that_is_no_model_s_is_missing(
    settings: list[str], model_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(model_folder, tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text('{"model_type": "qwen2"}')
    diagnosis = examined(settings, f"policy={tmp_path / 'model'}")
    assert "KeyError('num_attention_heads')" in the(diagnosis, "model").found
    assert the(diagnosis, "memory").state == "note"


def test_a_context_that_episodes_overflow_is_noted(settings: list[str]) -> None:
    # 200 + 3 × 2 × 150 + 6 × 32 tokens in a context of 512.
    found = the(examined(settings), "context")
    assert (found.state, found.found) == ("note", "512 tokens; an episode has up to 1,292")
    # 200 + 1 × 1 × 150 + 4 × 32 = 478 fit.
    short = examined(settings, "env.max_searches=1", "env.top_k=1")
    assert "context" not in {finding.part for finding in short.findings}


def test_a_tokenizer_that_cannot_be_used_is_missing(
    settings: list[str], model_folder: Path, tmp_path: Path
) -> None:
    chat = the(examined(settings, "policy.template=chat"), "tokenizer")
    assert chat.found.endswith("has no chat template")
    shutil.copytree(model_folder, tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    (tmp_path / "model" / "config.json").write_text(json.dumps({**config, "vocab_size": 10}))
    other = the(examined(settings, f"policy={tmp_path / 'model'}"), "tokenizer")
    assert "tokens, the model 10" in other.found
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "model" / name).unlink()
    gone = the(examined(settings, f"policy={tmp_path / 'model'}"), "tokenizer")
    assert gone.state == "missing"


def test_questions_that_are_not_here_are_missing(settings: list[str], tmp_path: Path) -> None:
    benchmark = the(examined(settings, "env.questions=nq+hotpotqa"), "questions")
    assert benchmark.found == "nq, hotpotqa not on this machine"
    assert "env.questions=nq:path=data/questions+hotpotqa:path=data/questions" in benchmark.remedy
    file = the(examined(settings, f"env.questions={tmp_path / 'none.jsonl'}"), "questions")
    assert (file.state, "none.jsonl" in file.found) == ("missing", True)
    assert "(train / dev)" in the(examined(settings), "questions").found


def test_a_corpus_that_is_not_there_or_cannot_be_read_is_missing(
    settings: list[str], tmp_path: Path
) -> None:
    nowhere = f"env.corpus=wiki18:path={tmp_path / 'wiki-18.jsonl'}"
    gone = the(examined(settings, nowhere), "corpus")
    assert gone.remedy.startswith("hf download --repo-type dataset PeterJinGo/wiki-18-corpus")
    assert the(examined(settings, "env.corpus=wiki18"), "corpus").state == "missing"
    corpus = own_corpus(tmp_path)
    assert the(examined(settings, f"env.corpus={corpus}"), "corpus").found.endswith("6 documents")
    corpus.write_text('{"id": "1"}\n', encoding="utf-8")
    broken = the(examined(settings, f"env.corpus={corpus}"), "corpus")
    assert (broken.state, "no field 'contents'" in broken.found) == ("missing", True)


def test_a_corpus_too_large_to_read_now_is_told_by_its_size(
    settings: list[str], tmp_path: Path
) -> None:
    large = tmp_path / "large.jsonl"
    with large.open("wb") as file:
        file.truncate(20_000_000)
    found = the(examined(settings, f"env.corpus={large}"), "corpus")
    assert (found.state, found.found) == ("ok", f"{large}, 20.0 MB")


def test_an_encoder_that_is_not_here_is_missing(settings: list[str]) -> None:
    kwargs = 'env.retriever_kwargs={encoder="intfloat/e5-base-v2"}'
    found = the(examined(settings, "env.retriever=dense", kwargs), "encoder")
    assert (found.state, found.remedy) == ("missing", "hf download intfloat/e5-base-v2")
    diagnosis = examined(settings, *HASHING)
    assert "encoder" not in {finding.part for finding in diagnosis.findings}
    assert the(diagnosis, "index").state == "note"


def dense_settings(corpus: Path, index: Path) -> list[str]:
    kwargs = f'env.retriever_kwargs={{encoder="hashing", index="{index}"}}'
    return ["env.retriever=dense", kwargs, f"env.corpus={corpus}"]


def test_an_index_is_missing_until_it_is_built_for_this_corpus(
    settings: list[str], tmp_path: Path
) -> None:
    corpus, index = own_corpus(tmp_path), tmp_path / "index"
    before = the(examined(settings, *dense_settings(corpus, index)), "index")
    command = f"igs index --corpus {corpus} --encoder hashing --output {index}"
    assert (before.state, before.remedy) == ("missing", command)
    assert main(command.split()[1:]) == 0
    after = the(examined(settings, *dense_settings(corpus, index)), "index")
    assert (after.state, after.found) == ("ok", f"{index}: 6 documents, Flat")
    own_corpus(tmp_path, rows=7)
    other = the(examined(settings, *dense_settings(corpus, index)), "index")
    assert (other.state, "of another corpus than" in other.found) == ("missing", True)


def test_an_index_that_is_not_whole_is_missing(settings: list[str], tmp_path: Path) -> None:
    corpus, index = own_corpus(tmp_path), tmp_path / "index"
    index.mkdir()
    empty = the(examined(settings, *dense_settings(corpus, index)), "index")
    assert "holds no index.json" in empty.found
    index.rmdir()
    build_dense_index(open_corpus(str(corpus)), make_encoder("hashing"), index, passage_prefix="")
    vectors = index / "vectors.faiss"
    vectors.rename(tmp_path / "bare.index")
    assert (
        "lacks vectors.faiss"
        in the(examined(settings, *dense_settings(corpus, index)), "index").found
    )
    index.rename(tmp_path / "index.building")
    going = the(examined(settings, *dense_settings(corpus, index)), "index")
    assert going.remedy.startswith("a build was interrupted and goes on with: igs index")
    bare = the(examined(settings, *dense_settings(corpus, tmp_path / "bare.index")), "index")
    assert "6 vectors of 1024, of unknown origin" in bare.found


def test_published_parts_of_an_index_want_to_be_joined(settings: list[str], tmp_path: Path) -> None:
    (tmp_path / "part_aa").touch()
    place = tmp_path / "e5_Flat.index"
    gone = the(examined(settings, *dense_settings(own_corpus(tmp_path), place)), "index")
    assert gone.remedy == f"cat {tmp_path}/part_* > {place}"


def test_a_retriever_that_is_down_is_missing_with_the_command_that_starts_it(
    settings: list[str],
) -> None:
    server = ("server.corpus=atlas", "server.retriever=bm25")
    found = the(examined(settings, f"env.retriever={NOWHERE}", *server), "retriever")
    assert (found.state, "could not be reached" in found.found) == ("missing", True)
    assert found.remedy == "igs serve --corpus atlas --retriever bm25"


def test_a_server_that_answers_needs_no_corpus_and_index_here(settings: list[str]) -> None:
    corpus = open_corpus("atlas")
    server = (
        'server.corpus="wiki18"',
        "server.encoder=intfloat/e5-base-v2",
        "server.index=indexes/none.index",
    )
    with serving(create_app(make_retriever("bm25", corpus), documents=len(corpus))) as url:
        diagnosis = examined(settings, f"env.retriever={url}", *server)
    assert diagnosis.missing == ()
    assert the(diagnosis, "retriever").state == "ok"
    for part in ("corpus", "encoder", "index"):
        assert the(diagnosis, part).remedy.startswith("not needed: the server that answers")


@contextmanager
def answering(status: int, *bodies: bytes, seconds: float = 0.0) -> Iterator[str]:
    """A server that gives these answers in turn, each after a while."""
    turns = cycle(bodies)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(seconds)
            body = next(turns)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/retrieve"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


ITEM = {"document": {"id": "1", "contents": '"A"\nb'}, "score": 1.0}


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (404, {}, "answered 404"),
        (200, {"results": []}, "answered something else than documents"),
        (200, {"result": [[], []]}, "finds nothing for"),
        (200, {"result": [[ITEM, ITEM], [ITEM]]}, "gives a document twice"),
        (
            200,
            {"result": [[{"document": {"id": "1", "contents": '"A"\n '}, "score": 1.0}], []]},
            "gives documents without text",
        ),
    ],
)
def test_a_server_that_answers_something_else_is_missing(
    settings: list[str], status: int, answer: dict[str, Any], said: str
) -> None:
    with answering(status, json.dumps(answer).encode()) as url:
        found = the(examined(settings, f"env.retriever={url}"), "retriever")
    assert (found.state, said in found.found) == ("missing", True), found
    assert found.remedy


def test_a_server_whose_answer_depends_on_the_batch_is_missing(settings: list[str]) -> None:
    other = {"document": {"id": "2", "contents": '"B"\nc'}, "score": 1.0}
    answers = [{"result": [[ITEM], [ITEM]]}, {"result": [[other]]}]
    with answering(200, *(json.dumps(answer).encode() for answer in answers)) as url:
        found = the(examined(settings, f"env.retriever={url}"), "retriever")
    assert "finds other documents for a query alone than in a batch" in found.found


def test_a_slow_server_is_noted(settings: list[str]) -> None:
    answers = [{"result": [[ITEM], [ITEM]]}, {"result": [[ITEM]]}]
    bodies = [json.dumps(answer).encode() for answer in answers]
    with answering(200, *bodies, seconds=1.1) as url:
        diagnosis = examined(settings, f"env.retriever={url}")
    parts = [finding for finding in diagnosis.findings if finding.part == "retriever"]
    assert [finding.state for finding in parts] == ["ok", "note"]
    assert diagnosis.missing == ()


def test_a_tokenizer_without_an_end_of_text_is_noted(
    settings: list[str], model_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(model_folder, tmp_path / "model")
    place = tmp_path / "model" / "tokenizer_config.json"
    kept = {k: v for k, v in json.loads(place.read_text()).items() if k != "eos_token"}
    place.write_text(json.dumps(kept))
    diagnosis = examined(settings, f"policy={tmp_path / 'model'}")
    parts = [finding for finding in diagnosis.findings if finding.part == "tokenizer"]
    assert [finding.state for finding in parts] == ["ok", "note"]


def test_a_dry_run_beside_a_server_knows_no_documents(
    capsys: pytest.CaptureFixture[str], settings: list[str], tmp_path: Path
) -> None:
    row = {"id": "1", "question": "Who is it?", "golden_answers": ["me"]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row) + "\n")
    mine = (f"env.questions={tmp_path / 'mine.jsonl'}", f"env.retriever={NOWHERE}")
    assert main(["train", "--dry-run", *settings, *mine]) == 0
    out = capsys.readouterr().out
    assert "# documents   those of the server" in out
    assert "3 × 2 documents of 150" in out


def test_a_retriever_of_one_s_own_is_not_looked_into(settings: list[str]) -> None:
    found = the(examined(settings, "env.retriever=my_package:retriever"), "retriever")
    assert found.state == "note"


def test_a_disk_without_room_is_missing(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    (full,) = check_disk({tmp_path / "a" / "b": free, tmp_path / "c": 2**40})
    assert (full.state, "lower checkpoint.keep" in full.remedy) == ("missing", True)
    (enough,) = check_disk({tmp_path / "a": 1000, tmp_path / "b": 500})
    assert (enough.state, enough.found.startswith("1.5 kB needed")) == ("ok", True)


def test_a_gpu_that_is_asked_for_and_not_there_is_missing(settings: list[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("a GPU is visible")
    found = the(examined(settings, "policy.device=cuda"), "gpu")
    assert (found.state, "no GPU is visible" in found.found) == ("missing", True)


def test_a_model_that_a_cpu_would_train_for_weeks_wants_a_gpu(settings: list[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("a GPU is visible")
    # The shape is known by the name; the small questions and corpus stay.
    large = ("policy=Qwen/Qwen2.5-3B", "policy.device=none", "updates=200", "rollout.questions=256")
    found = the(examined(settings, *large), "gpu")
    assert found.state == "missing"
    assert "1 CPU core would need" in found.found  # the tests run on one
    assert found.remedy.startswith("run this on a machine with a GPU of ")


def test_the_paper_s_recipe_lists_every_part_that_this_machine_lacks_on_one_screen(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    status = main(["doctor", "--config", "qwen2.5-3b", f"env.retriever={NOWHERE}"])
    out = capsys.readouterr().out
    assert status == 1
    parts = ["model", "questions", "corpus", "encoder", "index", "retriever"]
    parts += [] if torch.cuda.is_available() else ["gpu"]
    for part in parts:
        assert f"  MISSING  {part}" in out
    assert len(out.splitlines()) <= 40
    assert "3.09 B parameters" in out


def test_the_exit_status_is_zero_where_nothing_is_missing(
    capsys: pytest.CaptureFixture[str], settings: list[str]
) -> None:
    assert main(["doctor", *settings]) == 0
    out = capsys.readouterr().out
    assert out.startswith("the defaults: everything is there")
    assert WORLD.partition(":")[0] in out


def test_a_mistake_in_the_settings_is_a_mistake_and_no_finding(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--config", "qwen2.5-4b"]) == 2
    assert "no recipe 'qwen2.5-4b'" in capsys.readouterr().err
