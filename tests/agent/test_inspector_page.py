"""The page as a file, the server behind it, and the verb that makes both."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from synthetic_episodes import answer, episode, many, write_run

from igs_agent.cli import main
from igs_agent.inspector import InspectorServer, open_inspector, write_page
from igs_agent.inspector.page import SCRIPTS, embedded
from igs_agent.inspector.server import PAGE_EPISODES
from igs_agent.tracking.contract import RunFolderError


def igs(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    status = main([str(argument) for argument in arguments])
    found = capsys.readouterr()
    assert status == 0, found.err
    return found.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err


def unpacked(html: str, name: str) -> Any:
    found = re.search(rf'<script type="text/plain" id="{name}">([^<]*)</script>', html)
    assert found is not None
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def test_the_verb_writes_one_page_with_every_episode_in_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, small_run: Path
) -> None:
    out = igs(capsys, "view", small_run, "--output", tmp_path / "deep" / "view.html")
    html = (tmp_path / "deep" / "view.html").read_text()
    assert out == f"18 episodes in {tmp_path}/deep/view.html, {len(html.encode()) / 1e6:.1f} MB\n"
    index, block = unpacked(html, "index"), unpacked(html, "block-0")
    assert index["columns"]["id"] == [row["id"] for row in block["episodes"]]
    assert (index["total"], index["more"], index["problems"]) == (18, False, [])
    assert dict(unpacked(html, "run")["facts"])["credit"] == "ig_search"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["view.html"]


def test_equal_runs_have_equal_pages(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", many(40))
    for name in ("a.html", "b.html"):
        write_page(open_inspector(run), tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_the_page_names_no_address_and_allows_its_own_script_only(tmp_path: Path) -> None:
    write_page(open_inspector(write_run(tmp_path / "run", many(8))), tmp_path / "view.html")
    html = (tmp_path / "view.html").read_text()
    addresses = set(re.findall(r"https?://[\w./]+", html))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, not a place
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'sha256-{digest}';" in policy[1]
    assert "connect-src 'none'" in policy[1]


def test_the_script_never_makes_elements_of_text() -> None:
    folder = Path(sys.modules["igs_agent"].__path__[0]) / "data" / "inspector"
    assert {path.stem for path in folder.glob("*.js")} == set(SCRIPTS)
    script = "".join(path.read_text() for path in folder.glob("*.js"))
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in script


def test_data_cannot_end_the_element_that_holds_it() -> None:
    element = embedded("x", ["</script><script>alert(1)</script>", "<!--", "\ud800"])
    assert element.count("<") == 2
    assert unpacked(element, "x") == ["</script><script>alert(1)</script>", "<!--", "\ud800"]


def test_a_page_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    inspector = open_inspector(write_run(tmp_path / "run", many(8)))
    with pytest.raises(RunFolderError, match="choose another place with --output"):
        write_page(inspector, tmp_path / "taken" / "view.html")
    assert {path.name for path in tmp_path.iterdir()} == {"taken", "run"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InspectorServer]:
    run = write_run(tmp_path / "run", [*many(40), episode(answer("Ann"))])
    with InspectorServer(open_inspector(run), port=0, follow=True) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def asked(server: InspectorServer, path: str, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(server.address + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answered:
            return answered.status, answered.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_server_tells_the_list_and_the_episodes(server: InspectorServer) -> None:
    status, page = asked(server, "")
    assert status == 200
    assert unpacked(page.decode(), "run")["follow"] is True
    assert b"connect-src 'self'" in page
    index = json.loads(asked(server, "index?since=0")[1])
    assert (len(index["columns"]["id"]), index["more"]) == (41, False)
    assert json.loads(asked(server, "index?since=41")[1])["columns"]["id"] == []
    block = json.loads(asked(server, "block?number=1")[1])
    assert [row["id"] for row in block["episodes"]] == index["columns"]["id"][32:]


def test_the_server_reads_a_large_run_in_pages(tmp_path: Path) -> None:
    rows = [{**row, "steps": row["steps"][-1:]} for row in many(PAGE_EPISODES + 100)]
    run = write_run(tmp_path / "run", rows)
    with InspectorServer(open_inspector(run), port=0, follow=False) as server:
        told: list[str] = []
        page = {"more": True}
        while page["more"]:
            page = server.index(len(told), 0)
            assert page["start"] == len(told)
            told += page["columns"]["id"]
        assert told == [row["id"] for row in rows]


@pytest.mark.parametrize(
    "path", ["nothing", "../../etc/passwd", "%2e%2e/config.toml", "page.html", "config.toml"]
)
def test_the_server_has_nothing_else(server: InspectorServer, path: str) -> None:
    assert asked(server, path) == (404, b"not here")


@pytest.mark.parametrize("query", ["block?number=x", "block?number=-1", "index?since=1e9", "index"])
def test_numbers_that_are_none_count_as_the_first(server: InspectorServer, query: str) -> None:
    assert asked(server, query)[0] == 200


def test_a_block_behind_the_last_is_empty(server: InspectorServer) -> None:
    assert json.loads(asked(server, "block?number=999")[1])["episodes"] == []


def test_a_name_of_another_site_that_leads_here_is_refused(server: InspectorServer) -> None:
    assert asked(server, "", Host="example.org:80")[0] == 403
    assert asked(server, "", Host=f"localhost:{server.server_port}")[0] == 200


def test_a_run_that_changed_is_told_as_such(server: InspectorServer, tmp_path: Path) -> None:
    asked(server, "index")
    write_run(tmp_path / "run", many(40, seed=5))
    status, body = asked(server, "block?number=0")
    assert (status, "has changed" in json.loads(body)["error"]) == (409, True)
    assert json.loads(asked(server, "index?since=41&generation=0")[1])["generation"] == 1


def test_a_port_that_is_taken_is_refused_with_what_to_do(
    capsys: pytest.CaptureFixture[str], small_run: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert "choose another with --port" in refused(capsys, "view", small_run, "--port", port)
    assert "choose another with --port" in refused(capsys, "view", small_run, "--port", 70000)


def test_following_needs_a_server(capsys: pytest.CaptureFixture[str], small_run: Path) -> None:
    message = refused(capsys, "view", small_run, "--follow", "--output", "view.html")
    assert "--follow needs a served page" in message


def test_what_is_missing_is_said_in_the_terminal_as_well(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", many(3))
    with (run / "episodes.jsonl").open("ab") as file:
        file.write(b'{"half')
    out = igs(capsys, "view", run, "--output", tmp_path / "view.html")
    assert "note: the last line of episodes.jsonl is half written (6 bytes)" in out
    assert "note: the run's tokenizer is not at hand" in out
    assert "3 episodes in" in out


def test_the_verb_serves_until_interrupted(small_run: Path) -> None:
    command = [sys.executable, "-m", "igs_agent.cli", "view", str(small_run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.match(r"(http://127\.0\.0\.1:\d+/) shows the episodes of", line)
        assert address is not None, line
        with urllib.request.urlopen(address[1] + "index", timeout=20) as answered:
            assert json.load(answered)["total"] == 18
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_the_verb_is_there_without_torch() -> None:
    code = (
        "import sys; from igs_agent.cli import main; import igs_agent.cli.view;"
        "import igs_agent.inspector;"
        "assert not {'torch', 'transformers', 'fastapi'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
