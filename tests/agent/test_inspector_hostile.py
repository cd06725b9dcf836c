"""Text that means harm is shown as text, and 20,000 episodes stay quick, in a real browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import chromium, opened, until
from synthetic_episodes import answer, episode, many, measured, with_tokens, write_run
from tokenizers import Tokenizer

from igs_agent.inspector import InspectorServer, open_inspector, write_page
from igs_agent.tracking.jsonl import json_line

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = (
    "</script><script>window.harm = 1</script>",
    "<img src=x onerror='window.harm = 2'>",
    "<!--<script>",
    "]]><svg onload=window.harm=3>",
    "${window.harm = 4} `\\u003cb\\u003e",
    "javascript:window.harm=5",
    "\u202eevil\u2066 right to left",
    "שלום עולם مرحبا",
    "bell\x07 null\x00 delete\x7f c1\x9b escape\x1b[31m",
    "half a pair \ud800",
    "__proto__",
    "a\u2028b\u2029c\rd",
)
LONG = "megabyte " * 120_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def everywhere(text: str, number: int) -> dict[str, object]:
    """An episode that has a text in every place that holds text."""
    search = measured(1.0, text=text, output=text, observation=text, documents=[text])
    search |= {"counterfactual_ids": [[text]] * 3, "counterfactual_source": text}
    odd = {**answer(text), "action": text}
    names = {"id": f"{number} {text}", "group": f"{number} {text}", "kind": text}
    texts = {"question": text, "answers": [text], "gold_documents": [[text]], "prompt": text}
    return episode(search, odd, answer(text), question_id=text, **names, **texts)


@contextmanager
def served(run: Path, *, follow: bool = False) -> Iterator[InspectorServer]:
    with InspectorServer(open_inspector(run), port=0, follow=follow) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("way", ["written", "served"])
def test_hostile_text_is_shown_as_text(
    browser: Browser, tmp_path: Path, searcher_folder: Path, way: str
) -> None:
    tokenizer = Tokenizer.from_file(str(searcher_folder / "tokenizer.json"))
    plain = [everywhere(text, number) for number, text in enumerate(HOSTILE)]
    whole = [row for row in plain if "\ud800" not in str(row["question"])]
    tokens = [
        with_tokens(row, lambda text: list(tokenizer.encode(text).ids))
        | {"id": f"tokens {row['id']}", "group": f"tokens {row['id']}"}
        for row in whole
    ]
    run = write_run(tmp_path / "<b>run<b> & more", [*plain, *tokens], searcher_folder)
    with served(run) as server:
        if way == "written":
            write_page(open_inspector(run), tmp_path / "view.html")
        address = (tmp_path / "view.html").as_uri() if way == "written" else server.address
        with opened(browser, address) as found:
            page = found.page
            page.wait_for_selector("article")
            page.locator("#search").fill("<img")
            assert page.locator(".row").count() == 2
            page.locator("#search").fill("")
            page.keyboard.press("Escape")
            for _ in range(len(plain) + len(tokens)):
                for key in ("g", "g", "3", "1", "j"):
                    page.keyboard.press(key)
                page.wait_for_selector("article.episode")
            assert page.evaluate("window.harm") is None
            assert page.evaluate("({}).harm") is None
            assert page.locator("#content img, #content script, .row img, .row script").count() == 0
            assert found.complaints == []
            assert [each for each in found.requests if not each.startswith(server.address)] == []
            assert page.locator("#run-name").inner_text() == "<b>run<b> & more"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<img src=x onerror='window.harm = 2'>", "<img src=x onerror='window.harm = 2'>"),
        ("a\x00b\x07c\x7f", "a␀b␇c␡"),
        ("\u202eevil", "⟨U+202E⟩evil"),
        ("half \ud800", "half ⟨U+D800⟩"),
        ("שלום עולם", "שלום עולם"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_a_sign(
    browser: Browser, tmp_path: Path, text: str, shown: str
) -> None:
    run = write_run(tmp_path / "run", [everywhere(text, 0)])
    write_page(open_inspector(run), tmp_path / "view.html")
    with opened(browser, (tmp_path / "view.html").as_uri()) as found:
        found.page.wait_for_selector("article")
        assert found.page.locator("h2.question").inner_text() == shown
        assert found.page.locator(".row-question").inner_text() == shown
        assert found.page.locator(".stretch-wrote .quoted").first.inner_text() == shown
        assert found.page.locator(".answer").first.inner_text() == shown


def test_the_text_around_a_right_to_left_question_keeps_its_direction(
    browser: Browser, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", [everywhere("שלום עולם", 0)])
    write_page(open_inspector(run), tmp_path / "view.html")
    with opened(browser, (tmp_path / "view.html").as_uri()) as found:
        found.page.wait_for_selector("article")
        isolation = found.page.eval_on_selector_all(
            "h2.question, .row-question, .quoted, .row bdi",
            "all => all.map(each => getComputedStyle(each).unicodeBidi)",
        )
        assert set(isolation) == {"isolate"}
        direction = "getComputedStyle(document.querySelector('h2.question')).direction"
        assert found.page.evaluate(direction) == "rtl"


def test_a_line_of_a_megabyte_is_cut_and_shown_when_asked_for(
    browser: Browser, tmp_path: Path
) -> None:
    assert len(LONG) > 1_000_000
    run = write_run(tmp_path / "run", [everywhere(LONG, 0), *many(8)])
    write_page(open_inspector(run), tmp_path / "view.html")
    with opened(browser, (tmp_path / "view.html").as_uri()) as found:
        page = found.page
        page.wait_for_selector("article")
        assert page.evaluate("document.getElementById('content').innerText.length") < 40_000
        page.get_by_text("show all 1,080,000 characters").first.click()
        assert page.evaluate("document.querySelector('h2.question').innerText.length") > 1_000_000
        assert page.evaluate("document.documentElement.scrollWidth") == 1280
        page.keyboard.press("j")
        until(page, "document.querySelector('h2').innerText.startsWith('Who made')")
        assert found.complaints == []


def test_tokens_that_are_many_are_cut_and_shown_when_asked_for(
    browser: Browser, tmp_path: Path, searcher_folder: Path
) -> None:
    tokenizer = Tokenizer.from_file(str(searcher_folder / "tokenizer.json"))
    long = measured(1.0, observation="\n<information>\n" + "abc " * 3000 + "</information>\n")
    row = with_tokens(episode(long), lambda text: list(tokenizer.encode(text).ids))
    run = write_run(tmp_path / "run", [row], searcher_folder)
    write_page(open_inspector(run), tmp_path / "view.html")
    start, _, end = row["turns"][0][0], row["turns"][0][1], row["turns"][0][2]
    with opened(browser, (tmp_path / "view.html").as_uri()) as found:
        found.page.wait_for_selector("article")
        assert found.page.locator(".turn .token").count() < 600
        found.page.get_by_text(re.compile(r"show all [\d,]+ tokens")).click()
        assert found.page.locator(".turn .token").count() == end - start


FILTER_TIMES = """
async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  const times = {};
  const timed = async (name, act) => {
    await painted();
    const start = performance.now();
    act();
    await painted();
    times[name] = performance.now() - start;
  };
  const type = (text) => {
    const box = document.getElementById("search");
    box.value = text;
    box.dispatchEvent(new Event("input"));
  };
  const press = (name) => document.querySelector(`[data-filter=${name}]`).click();
  const sort = document.getElementById("sort");
  await timed("first search", () => type("bridge 17"));
  await timed("search", () => type("bridge 177"));
  type("");
  await timed("filter", () => press("gain_but_wrong"));
  await timed("filter off", () => press("gain_but_wrong"));
  await timed("sort", () => { sort.value = "gain"; sort.dispatchEvent(new Event("change")); });
  const list = document.getElementById("list");
  await timed("scroll", () => { list.scrollTop = list.scrollHeight / 2; });
  const key = new KeyboardEvent("keydown", { key: "j", bubbles: true });
  await timed("next", () => document.body.dispatchEvent(key));
  return times;
}
"""


def test_twenty_thousand_episodes_are_filtered_searched_sorted_and_scrolled_at_once(
    browser: Browser, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", many(20_000))
    with served(run) as server, opened(browser, server.address) as found:
        page = found.page
        until(
            page,
            "document.getElementById('count').textContent.startsWith('20,000 episodes · EM')"
            " && !document.getElementById('count').textContent.includes('reading')",
            seconds=60,
        )
        assert page.locator(".row").count() < 40
        times = page.evaluate(FILTER_TIMES)
        assert max(times.values()) < 500, times  # milliseconds
        assert page.locator(".row").count() < 40
        page.keyboard.press("End")
        assert found.complaints == []
        assert all(each.startswith(server.address) for each in found.requests)


def test_a_run_that_is_followed_shows_what_comes_and_keeps_what_is_looked_at(
    browser: Browser, tmp_path: Path
) -> None:
    rows = list(many(24))
    run = write_run(tmp_path / "run", rows[:8])
    with served(run, follow=True) as server, opened(browser, server.address) as found:
        page = found.page
        page.wait_for_selector("article")
        page.keyboard.press("j")
        looked_at = page.url
        with (run / "episodes.jsonl").open("ab") as file:
            file.writelines(map(json_line, rows[8:]))
        until(page, "document.getElementById('count').textContent.startsWith('24 episodes')")
        assert page.locator("#said").inner_text() == "16 new episodes"
        assert page.url == looked_at
        write_run(run, rows[:16])  # the run was resumed from a checkpoint
        until(page, "document.getElementById('count').textContent.startsWith('16 episodes')")
        page.evaluate("const list = document.getElementById('list'); list.scrollTop = 10000")
        page.locator("#row-15").click()
        until(
            page, "id => document.querySelector('article').innerText.includes(id)", rows[15]["id"]
        )
        assert found.complaints == []
