"""The real loading code on small files; sizes are checked against what the field reports."""

import gzip
import json

import pytest

from igs_env.datasets import load_questions, open_corpus
from igs_env.datasets.benchmarks import BENCHMARKS, load_benchmark
from igs_env.errors import ConfigurationError, DataError

ROWS = [
    {
        "id": f"dev_{number}",
        "question": f"Who made number {number}?",
        "golden_answers": [f"Ann {number}", "Ann"],
        "metadata": {"type": "bridge", "supporting_facts": {"title": ["A"], "sent_id": [0]}},
    }
    for number in range(3)
]


def write(path, rows=ROWS):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A local copy of a hub repository: its card with one configuration, and two files."""
    datasets = pytest.importorskip("datasets", reason='needs "ig-search-gym[data]"')
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    datasets.disable_progress_bars()
    folder = tmp_path / "hub"
    write(folder / "hotpotqa" / "dev.jsonl")
    write(folder / "hotpotqa" / "train.jsonl", ROWS[:1])
    card = (
        "---\nconfigs:\n- config_name: hotpotqa\n  data_files:\n"
        "  - split: train\n    path: hotpotqa/train.jsonl\n"
        "  - split: dev\n    path: hotpotqa/dev.jsonl\n---\n"
    )
    (folder / "README.md").write_text(card)
    return folder


def test_the_sizes_of_the_evaluation_splits_are_those_of_the_field():
    # Search-R1 (arXiv 2503.09516) and FlashRAG (arXiv 2405.13576) report on these.
    assert {b.name: (b.splits[-1], b.size) for b in BENCHMARKS.values()} == {
        "nq": ("test", 3610),
        "triviaqa": ("test", 11313),
        "popqa": ("test", 14267),
        "hotpotqa": ("dev", 7405),
        "2wikimultihopqa": ("dev", 12576),
        "musique": ("dev", 2417),
        "bamboogle": ("test", 125),
    }


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_whole_evaluation_split_is_read_from_a_local_copy(tmp_path, name):
    benchmark = BENCHMARKS[name]
    rows = [{**ROWS[0], "id": str(number)} for number in range(benchmark.size)]
    write(tmp_path / name / f"{benchmark.splits[-1]}.jsonl", rows)
    for path in (tmp_path, tmp_path / name):
        questions = load_questions(f"{name}:path={path}")
        assert [question.id for question in questions] == [row["id"] for row in rows]


def test_a_truncated_benchmark_is_refused_and_the_way_out_works(tmp_path):
    path = write(tmp_path / "dev.jsonl")
    with pytest.raises(DataError, match=r"hotpotqa \(dev\) has 3 questions, not 7,405: .* size=3"):
        load_questions(f"hotpotqa:path={path}")
    assert len(load_questions(f"hotpotqa:path={path},size=3")) == 3
    assert len(load_questions(path)) == 3


def test_a_training_split_may_have_any_size(tmp_path):
    write(tmp_path / "train.jsonl")
    assert len(load_questions(f"nq:path={tmp_path}", split="train")) == 3


def test_a_benchmark_is_loaded_through_the_datasets_package(hub):
    questions = load_questions(f"hotpotqa:hub={hub},size=3")
    assert [question.id for question in questions] == ["dev_0", "dev_1", "dev_2"]
    assert questions[1].answers == ("Ann 1", "Ann")
    assert questions[1].kind == "bridge"
    assert questions[1].metadata["supporting_facts"] == {"title": ["A"], "sent_id": [0]}
    assert len(load_questions(f"hotpotqa:hub={hub}", split="train")) == 1


def test_a_truncated_benchmark_of_a_hub_is_refused(hub):
    with pytest.raises(DataError, match="has 3 questions, not 7,405"):
        load_questions(f"hotpotqa:hub={hub}")


def test_a_malformed_row_of_a_hub_is_named(hub):
    rows = [*ROWS, {**ROWS[0], "id": "dev_3", "golden_answers": []}]
    write(hub / "hotpotqa" / "dev.jsonl", rows)
    with pytest.raises(DataError, match=r"hotpotqa dev, row 4: .*'golden_answers' is \[\]"):
        load_questions(f"hotpotqa:hub={hub}")


def test_a_hub_that_has_no_such_configuration_says_what_to_do(hub):
    with pytest.raises(DataError, match=r"could not load nq .* pass questions='nq:path=FOLDER'"):
        load_questions(f"nq:hub={hub}")


def test_a_hub_that_cannot_be_reached_says_what_to_do(monkeypatch):
    datasets = pytest.importorskip("datasets", reason='needs "ig-search-gym[data]"')
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"could not load nq .* without a connection fetch nq/test"):
        load_questions("nq:hub=nobody/has-this-one")


def test_a_missing_datasets_package_ends_in_the_pip_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(ImportError, match=r'pip install "ig-search-gym\[data\]"'):
        load_questions("nq")


def test_a_split_that_a_benchmark_does_not_have_is_refused_before_anything_is_loaded():
    with pytest.raises(
        ConfigurationError, match="no split of bamboogle 'train'; choose from: test"
    ):
        load_questions("bamboogle", split="train")


def test_a_folder_without_the_split_says_where_it_looked(tmp_path):
    with pytest.raises(DataError, match=r"no test split of nq; looked for test\.jsonl, .*nq/te"):
        load_benchmark("nq", path=str(tmp_path))


def test_wiki18_opens_a_local_file(tmp_path):
    path = tmp_path / "wiki-18.jsonl"
    path.write_text('{"id": "0", "contents": "\\"Aaron\\"\\nAaron was a prophet."}\n')
    assert open_corpus(f"wiki18:path={path}")[0].title == "Aaron"


def test_wiki18_is_taken_from_the_hubs_cache_and_otherwise_says_what_to_do(tmp_path, monkeypatch):
    constants = pytest.importorskip(
        "huggingface_hub.constants", reason='needs "ig-search-gym[data]"'
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="fetch it by other means and pass corpus='wiki18:path="):
        open_corpus("wiki18")
    repository = tmp_path / "datasets--PeterJinGo--wiki-18-corpus"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    row = b'{"id": "0", "contents": "\\"Aaron\\"\\nAaron was a prophet."}\n'
    (snapshot / "wiki-18.jsonl.gz").write_bytes(gzip.compress(row))
    assert open_corpus("wiki18").by_id("0").text == "Aaron was a prophet."
