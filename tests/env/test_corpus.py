import gzip
import json
import pickle
import re
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from igs_env.datasets import open_corpus
from igs_env.datasets.contents import format_contents, parse_contents
from igs_env.datasets.conversion import BATCH_ROWS, write_mapped
from igs_env.datasets.mapped import KEPT_READS, MappedCorpus
from igs_env.errors import DataError
from igs_env.types import Document

WORLD = "fiction:documents=200,seed=5"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("IGS_CACHE", str(tmp_path / "cache"))


def write_jsonl(path, documents):
    lines = [json.dumps({"id": d.id, "contents": format_contents(d)}) for d in documents]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_jsonl_file_holds_the_documents_that_were_written(tmp_path):
    world = open_corpus(WORLD)
    corpus = open_corpus(write_jsonl(tmp_path / "corpus.jsonl", world))
    assert list(corpus) == list(world)
    assert corpus.by_id("fiction-7") == world[7]


def test_a_mapped_corpus_equals_the_same_file_in_memory(tmp_path):
    path = write_jsonl(tmp_path / "corpus.jsonl", open_corpus(WORLD))
    held, mapped = open_corpus(path), open_corpus(path, in_memory_below=0)
    assert isinstance(mapped, MappedCorpus)
    assert list(mapped) == list(held)
    assert mapped.fingerprint == held.fingerprint
    assert [mapped[i] for i in (0, 199, -1, -200)] == [held[i] for i in (0, 199, -1, -200)]
    assert all(mapped.by_id(document.id) == document for document in held)


def test_a_mapped_corpus_is_right_across_record_batches(tmp_path):
    count = BATCH_ROWS + 2
    documents = [Document(id=f"d{i}", title="", text=str(i)) for i in range(count)]
    path = write_jsonl(tmp_path / "corpus.jsonl", documents)
    mapped = open_corpus(path, in_memory_below=0)
    assert len(mapped) == count
    for index in (0, BATCH_ROWS - 1, BATCH_ROWS, count - 1):
        assert mapped[index].text == str(index)
        assert mapped.by_id(f"d{index}").text == str(index)
    assert [document.text for document in mapped] == list(map(str, range(count)))


def test_positions_outside_are_an_index_error_in_every_kind_of_corpus(tmp_path):
    world = open_corpus(WORLD)
    path = write_jsonl(tmp_path / "corpus.jsonl", world)
    for corpus in (world, open_corpus(path), open_corpus(path, in_memory_below=0)):
        for index in (200, -201):
            with pytest.raises(IndexError):
                corpus[index]


def test_an_unknown_id_is_an_error_in_every_kind_of_corpus(tmp_path):
    world = open_corpus(WORLD)
    path = write_jsonl(tmp_path / "corpus.jsonl", world)
    for corpus in (world, open_corpus(path), open_corpus(path, in_memory_below=0)):
        for id in ("fiction-200", "fiction-007", "nothing", ""):
            with pytest.raises(DataError, match="has no document"):
                corpus.by_id(id)


def test_equal_hashes_of_different_ids_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("igs_env.datasets.conversion.hash_id", lambda id: len(id))
    monkeypatch.setattr("igs_env.datasets.mapped.hash_id", lambda id: len(id))
    documents = [Document(id=id, title="", text=id) for id in ("b", "a", "cc", "c")]
    path = write_jsonl(tmp_path / "corpus.jsonl", documents)
    mapped = open_corpus(path, in_memory_below=0)
    assert [mapped.by_id(d.id).text for d in documents] == ["b", "a", "cc", "c"]
    with pytest.raises(DataError, match="has no document 'x'"):
        mapped.by_id("x")


def test_a_repeated_id_is_found_among_equal_hashes_of_other_ids(tmp_path, monkeypatch):
    monkeypatch.setattr("igs_env.datasets.conversion.hash_id", lambda id: 0)
    documents = [Document(id=id, title="", text=id) for id in ("a", "b", "a")]
    path = write_jsonl(tmp_path / "corpus.jsonl", documents)
    with pytest.raises(DataError, match=r"documents 1 and 3 .* share id 'a'"):
        open_corpus(path, in_memory_below=0)


def test_a_mapped_corpus_is_converted_once_and_again_after_a_change(tmp_path):
    path = write_jsonl(tmp_path / "corpus.jsonl", open_corpus(WORLD))
    first = open_corpus(path, in_memory_below=0)
    written = (first.folder / "documents.arrow").stat().st_mtime_ns
    again = open_corpus(path, in_memory_below=0)
    assert again.folder == first.folder
    assert (again.folder / "documents.arrow").stat().st_mtime_ns == written
    write_jsonl(path, islice(open_corpus(WORLD), 199))
    changed = open_corpus(path, in_memory_below=0)
    assert len(changed) == 199
    assert changed.folder != first.folder
    assert changed.fingerprint != first.fingerprint


def test_a_conversion_that_was_killed_is_started_over(tmp_path):
    path = write_jsonl(tmp_path / "corpus.jsonl", open_corpus(WORLD))
    folder = open_corpus(path, in_memory_below=0).folder
    # What a kill leaves behind: the working folder, half written, and no finished one.
    folder.rename(folder.with_name(f"{folder.name}.partial"))
    partial = folder.with_name(f"{folder.name}.partial") / "documents.arrow"
    partial.write_bytes(partial.read_bytes()[:100])
    assert list(open_corpus(path, in_memory_below=0)) == list(open_corpus(WORLD))
    assert not partial.exists()


OPEN = "from igs_env.datasets import open_corpus; open_corpus({!r}, in_memory_below=0)"


def test_a_real_kill_in_the_middle_of_a_conversion_does_no_harm(tmp_path):
    path = tmp_path / "corpus.jsonl"
    with path.open("w") as file:
        file.writelines(f'{{"id": "{i}", "contents": "{i}"}}\n' for i in range(200_000))
    process = subprocess.Popen([sys.executable, "-c", OPEN.format(str(path))])
    corpora = tmp_path / "cache" / "corpora"
    while process.poll() is None and not list(corpora.glob("*.partial/documents.arrow")):
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert [entry.suffix for entry in sorted(corpora.iterdir())] == [".lock", ".partial"]
    corpus = open_corpus(path, in_memory_below=0)
    assert (len(corpus), corpus.by_id("199999").text) == (200_000, "199999")
    assert sorted(entry.suffix for entry in corpora.iterdir()) == ["", ".lock"]


def test_processes_that_open_a_new_corpus_together_convert_it_once(tmp_path):
    path = write_jsonl(tmp_path / "corpus.jsonl", open_corpus("fiction:documents=2000"))
    code = "import igs_env.datasets.conversion as c; w = c.write_mapped\n"
    code += "def write(*a, **k): print('converted'); w(*a, **k)\nc.write_mapped = write\n"
    command = [sys.executable, "-c", code + OPEN.format(str(path))]
    together = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = [process.communicate()[0] for process in together]
    assert [process.returncode for process in together] == [0, 0, 0]
    assert sorted(printed) == ["", "", "converted\n"]


def test_a_failed_conversion_leaves_nothing_but_its_lock(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"id": "1", "contents": "a"}\n{"id": "2", "con', encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        open_corpus(path, in_memory_below=0)
    left = [entry.name for entry in (tmp_path / "cache" / "corpora").iterdir()]
    assert [name.rpartition(".")[2] for name in left] == ["lock"]


def test_a_converted_folder_opens_by_its_own_path(tmp_path):
    path = write_jsonl(tmp_path / "corpus.jsonl", open_corpus(WORLD))
    mapped = open_corpus(path, in_memory_below=0)
    assert list(open_corpus(mapped.folder)) == list(mapped)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_a_mapped_corpus_does_not_become_resident_by_being_read(tmp_path):
    text = "word " * 800
    documents = (Document(id=str(i), title="", text=text) for i in range(20_000))
    write_mapped(documents, tmp_path / "corpus", source="test")
    size = (tmp_path / "corpus" / "documents.arrow").stat().st_size
    assert size > 80e6
    corpus = open_corpus(tmp_path / "corpus")

    def file_pages():
        status = Path("/proc/self/status").read_text()
        return 1024 * int(re.search(r"RssFile:\s+(\d+)", status)[1])

    before = file_pages()
    reads = range(300 * KEPT_READS)
    assert all(corpus[index * 7919 % 20_000].text == text for index in reads)
    assert file_pages() - before < size / 20
    assert all(document.text == text for document in corpus)
    assert file_pages() - before < size / 20


def test_a_mapped_corpus_is_pickled_as_its_path(tmp_path):
    path = write_jsonl(tmp_path / "corpus.jsonl", open_corpus("fiction:documents=5000"))
    mapped = open_corpus(path, in_memory_below=0)
    data = pickle.dumps(mapped)
    assert len(data) < 1000
    assert pickle.loads(data)[4999] == mapped[4999]


@pytest.mark.parametrize("in_memory_below", [0, 2**30])
@pytest.mark.parametrize("name", ["c.jsonl.gz", "c.json", "c.parquet", "c.arrow", "s.arrow"])
def test_every_file_format_gives_the_same_corpus(tmp_path, name, in_memory_below):
    world = open_corpus(WORLD)
    rows = [{"id": d.id, "contents": format_contents(d)} for d in world]
    path = tmp_path / name
    if name == "c.jsonl.gz":
        path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    elif name == "c.json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    elif name == "c.parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=50)
    else:
        table = pa.Table.from_pylist(rows)
        new = pa.ipc.new_file if name == "c.arrow" else pa.ipc.new_stream
        with new(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=64)
    corpus = open_corpus(str(path), in_memory_below=in_memory_below)
    assert list(corpus) == list(world)


def test_rows_with_title_and_text_and_whole_numbers_as_ids_are_read(tmp_path):
    path = tmp_path / "corpus.jsonl"
    rows = [{"id": 0, "title": "Alien", "text": "A film."}, {"id": "x", "text": "No title."}]
    path.write_text("\n\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert list(open_corpus(path)) == [
        Document(id="0", title="Alien", text="A film."),
        Document(id="x", title="", text="No title."),
    ]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "1", "contents": "\\"A\\"\\nb"}\r\n\r\n')
    assert list(open_corpus(path)) == [Document(id="1", title="A", text="b")]


@pytest.mark.parametrize(
    "document",
    [
        Document(id="1", title="A", text="b\nc"),
        Document(id="1", title='The "A"', text=""),
        Document(id="1", title="", text="b"),
        Document(id="1", title='"', text='"b"\n'),
    ],
)
def test_contents_are_read_back_as_they_were_written(document):
    assert parse_contents(format_contents(document)) == (document.title, document.text)


def test_the_fingerprint_tells_field_borders_and_order_apart():
    def fingerprint(*parts):
        documents = [Document(id=i, title=t, text=x) for i, t, x in parts]
        return open_corpus(documents).fingerprint

    prints = {
        fingerprint(("1", "ab", "c"), ("2", "", "")),
        fingerprint(("1", "a", "bc"), ("2", "", "")),
        fingerprint(("2", "", ""), ("1", "ab", "c")),
        fingerprint(("1", "ab", "c")),
    }
    assert len(prints) == 4


def test_live_documents_a_module_attribute_and_a_corpus_are_taken():
    documents = [Document(id="1", title="A", text="b")]
    corpus = open_corpus(documents)
    assert corpus[0] is documents[0]
    assert open_corpus(corpus) is corpus
    assert len(open_corpus("igs_env.datasets.fiction:corpus")) == 20_000


def test_worlds_and_small_files_need_neither_pyarrow_nor_an_optional_package(tmp_path):
    path = write_jsonl(tmp_path / "corpus.jsonl", open_corpus(WORLD))
    code = f"""
import sys
from igs_env.datasets import load_questions, open_corpus
open_corpus({str(path)!r})[0], open_corpus({WORLD!r})[0], load_questions({WORLD!r})
print(sorted({{"pyarrow", "datasets", "faiss", "torch", "numpy"}} & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(["numpy"])
