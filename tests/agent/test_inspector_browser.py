"""The inspector in a real browser, on a real run: what a reader presses does what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from browser import chromium, opened, until
from synthetic_episodes import answer, episode, measured, with_tokens, write_run
from tokenizers import Tokenizer

from igs_agent.inspector import FILTERS, Inspector, open_inspector, write_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FAINT = "rgba(0, 0, 0, 0)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def inspector(small_run: Path) -> Inspector:
    return open_inspector(small_run)


@pytest.fixture(scope="module")
def address(inspector: Inspector, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The real run's page."""
    target = tmp_path_factory.mktemp("page") / "view.html"
    write_page(inspector, target)
    return target.as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The real run's page at 1280 pixels; whatever a test does, it stays silent and offline."""
    with opened(browser, address) as found:
        found.page.wait_for_selector("article")
        yield found.page
        assert found.complaints == []
        assert found.requests == []


def chosen(page: Page) -> str:
    """Id of the episode that the address names."""
    return str(page.evaluate("new URLSearchParams(location.hash.slice(1)).get('e')"))


def listed(page: Page) -> int:
    """Episodes in the list, the unseen ones included."""
    return int(page.locator(".row").first.get_attribute("aria-setsize") or 0)


def holding(inspector: Inspector, *names: str) -> int:
    """Episodes for which all of these filters hold, by the predicates themselves."""
    rows = inspector.episodes.summaries
    groups = {each.group: [one for one in rows if one.group == each.group] for each in rows}
    return sum(
        all(FILTERS[name].holds(each, groups[each.group]) for name in names) for each in rows
    )


def shades(page: Page) -> list[str]:
    found = page.eval_on_selector_all(
        ".token", "all => all.map(token => getComputedStyle(token).backgroundColor)"
    )
    return list(found)


def test_every_episode_is_listed_and_the_first_is_shown(page: Page, inspector: Inspector) -> None:
    first = inspector.episodes.row(0)
    assert listed(page) == len(inspector.episodes) == 18
    assert page.locator("h2.question").inner_text() == first.question
    assert page.locator(".turn").count() == len(first.steps)
    assert page.locator("#count").inner_text().startswith("18 episodes · EM 0.")


def test_every_filter_shows_the_episodes_for_which_its_predicate_holds(
    page: Page, inspector: Inspector
) -> None:
    used = 0
    for name in FILTERS:
        expected = holding(inspector, name)
        button = page.locator(f"[data-filter={name}]")
        if expected == 0:
            assert not button.is_visible(), name
            continue
        assert button.locator(".amount").inner_text() == str(expected)
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        assert listed(page) == expected, name
        button.click()
        used += 1
    assert used >= 5


def test_filters_add_up_and_are_cleared_at_once(page: Page, inspector: Inspector) -> None:
    both = ("wrong", "gain_but_wrong")
    for name in both:
        page.locator(f"[data-filter={name}]").click()
    expected = holding(inspector, *both)
    assert 0 < expected < 18
    assert listed(page) == expected
    assert page.locator("#count").inner_text().startswith(f"{expected} of 18 episodes")
    page.locator("#clear").click()
    assert listed(page) == 18


def test_a_bar_of_the_strip_keeps_the_episodes_of_its_update(page: Page) -> None:
    bars = page.locator(".strip-bar")
    assert bars.count() == 2
    words = [text or "" for text in bars.locator("title").all_text_contents()]
    assert [text.split(",")[0] for text in words] == [
        "update 0: 9 episodes",
        "update 1: 9 episodes",
    ]
    bars.nth(1).click()
    assert listed(page) == 9
    assert (page.locator("#from").input_value(), page.locator("#to").input_value()) == ("1", "1")
    bars.nth(1).click()
    assert listed(page) == 18


def test_the_search_box_looks_into_questions_queries_and_document_ids(
    page: Page, inspector: Inspector
) -> None:
    for text in ("question", "queries", "documents"):
        word = next(
            value if isinstance(value, str) else value[0]
            for each in inspector.episodes.summaries
            if (value := getattr(each, text))
        )
        page.keyboard.press("/")
        page.keyboard.type(word.upper())
        assert 0 < listed(page) <= 18
        assert page.evaluate("document.activeElement.id") == "search"
        page.locator("#search").fill("")
        page.keyboard.press("Escape")
    page.locator("#search").fill("no episode says this")
    assert page.locator(".row").count() == 0
    assert "Nothing matches" in page.evaluate(
        "getComputedStyle(document.getElementById('list'), '::after').content"
    )


def test_the_list_is_sorted_by_gain_either_way_and_what_has_none_comes_last(
    page: Page, inspector: Inspector
) -> None:
    page.locator("#sort").select_option("gain")
    known = [each.gain for each in inspector.episodes.summaries if each.gain is not None]

    def first() -> str:
        return page.locator("#row-0 .row-gain > span").first.inner_text().replace("−", "-")

    assert first() == f"{max(known):+.2f}"
    page.locator("#direction").click()
    assert first() == f"{min(known):+.2f}"


def test_the_keyboard_walks_the_list_the_group_and_the_colours(
    page: Page, inspector: Inspector
) -> None:
    ids = [each.id for each in inspector.episodes.summaries]
    for key, expected in [("j", 1), ("j", 2), ("k", 1), ("ArrowDown", 2), ("ArrowRight", 0)]:
        page.keyboard.press(key)
        assert chosen(page) == ids[expected], key
    page.keyboard.press("ArrowLeft")
    assert chosen(page) == ids[2]
    assert page.locator(".row[aria-selected=true]").get_attribute("id") == "row-2"
    page.keyboard.press("g")
    assert page.locator(".group-table thead th.rollout").count() == 3
    assert "rollout 3" in page.locator(".rollout.current").inner_text()
    page.keyboard.press("g")
    page.wait_for_selector("article.episode")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("j")
    assert chosen(page) == ids[2]
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_a_group_stands_side_by_side_with_one_line_per_turn(
    page: Page, inspector: Inspector
) -> None:
    page.keyboard.press("g")
    rows = [inspector.episodes.row(index) for index in range(3)]
    assert page.locator(".group-table tbody tr").count() == max(len(row.steps) for row in rows)
    cells = page.locator(".group-table tbody td:not(.none)").count()
    assert cells == sum(len(row.steps) for row in rows)


def test_tokens_are_coloured_by_what_the_switch_says(page: Page, inspector: Inspector) -> None:
    row = inspector.episodes.row(0)
    written = sum(turn[1] - turn[0] for turn in row.turns)
    seen = {}
    for key, name in [("1", "credit"), ("2", "logprob"), ("3", "provenance")]:
        page.keyboard.press(key)
        assert page.locator(f"[data-colour={name}][role=radio]").get_attribute("aria-checked")
        seen[name] = shades(page)
        assert len(seen[name]) == len(row.tokens)
    credited = sum(
        (turn[1] - turn[0])
        if abs(step.credit) > 1e-9
        else (turn[4] - turn[3]) * (abs(step.query_credit) > 1e-9)
        for turn, step in zip(row.turns, row.steps, strict=True)
    )
    assert sum(shade != FAINT for shade in seen["credit"]) <= credited <= written
    surprising = sum(1 for value in row.log_probs if value is not None and value < -0.006)
    assert sum(shade != FAINT for shade in seen["logprob"]) == pytest.approx(surprising, abs=2)
    assert FAINT not in seen["provenance"]
    queries = sum(turn[4] - turn[3] for turn in row.turns)
    assert len(set(seen["provenance"])) == (4 if queries else 3)


BLUE_MINUS_RED = """
all => all.map(token => {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = "white"; canvas.fillRect(0, 0, 1, 1);
  canvas.fillStyle = getComputedStyle(token).backgroundColor; canvas.fillRect(0, 0, 1, 1);
  const [red, , blue] = canvas.getImageData(0, 0, 1, 1).data;
  return blue - red;
})
"""


def test_credit_has_the_colour_of_its_sign_and_the_strength_of_its_size(
    browser: Browser, tmp_path: Path, searcher_folder: Path
) -> None:
    """A step at −1, a step at +0.25 whose query is at +1, an answer at 0."""
    steps = [measured(1.0, credit=-1.0), measured(1.0, credit=0.25, query_credit=0.75)]
    row = with_tokens(episode(*steps, answer("Ann")), encoder(searcher_folder))
    run = write_run(tmp_path / "run", [row], searcher_folder)
    with opened(browser, page_of(run, tmp_path)) as found:
        found.page.wait_for_selector("article")

        def tint(turn: int, kind: str) -> set[int]:
            tokens = f".turn >> nth={turn} >> .stretch-wrote .token-{kind}"
            return set(found.page.locator(tokens).evaluate_all(BLUE_MINUS_RED))

        (against,) = tint(0, "policy") | tint(0, "query")
        (little,), (full,) = tint(1, "policy"), tint(1, "query")
        assert against < -50
        assert 0 < little < full / 2
        assert full > 50
        assert tint(2, "policy") == {0}


def test_a_small_scale_of_credit_is_not_called_0(
    browser: Browser, tmp_path: Path, searcher_folder: Path
) -> None:
    steps = [measured(1.0, query_credit=-0.0042), answer("Ann")]
    row = with_tokens(episode(*steps), encoder(searcher_folder))
    run = write_run(tmp_path / "run", [row], searcher_folder)
    with opened(browser, page_of(run, tmp_path)) as found:
        found.page.wait_for_selector("article")
        legend = found.page.inner_text("#legend")
        assert "−0.0042 discouraged" in legend
        assert "+0.0042 reinforced" in legend


def encoder(policy: Path) -> Callable[[str], list[int]]:
    tokenizer = Tokenizer.from_file(str(policy / "tokenizer.json"))
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)


def page_of(run: Path, folder: Path) -> str:
    write_page(open_inspector(run), folder / "view.html")
    return (folder / "view.html").as_uri()


def test_a_token_says_what_it_is_under_the_pointer_and_the_keyboard(
    page: Page, inspector: Inspector
) -> None:
    page.keyboard.press("j")
    row = inspector.episodes.row(1)
    start = row.turns[0][0]
    until(page, "id => document.querySelector('article').innerText.includes(id)", row.id)
    page.locator(".turn .token").first.hover()
    tip = page.locator("#tip").inner_text()
    assert f"token\n{row.tokens[start]}" in tip
    assert "by\npolicy, turn 1" in tip
    page.locator(".turn .tokens").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    said = page.locator("#said").inner_text()
    assert f"token {row.tokens[start + 1]}, by policy" in said
    assert chosen(page) == row.id  # the arrows did not leave the text


def test_the_gain_is_a_figure_with_words_for_who_cannot_see_it(
    page: Page, inspector: Inspector
) -> None:
    rows = [inspector.episodes.row(index) for index in range(18)]
    steps = [(abs(step.gain or 0.0), row, step) for row in rows for step in row.steps]
    gain, row, step = max(steps, key=lambda found: found[0])
    assert gain > 0.01
    page.evaluate("id => { location.hash = 'e=' + encodeURIComponent(id) }", row.id)
    turn = page.locator(".turn").nth(row.steps.index(step))
    until(page, "id => document.querySelector('article').innerText.includes(id)", row.id)
    label = turn.locator(".gain-figure").get_attribute("aria-label") or ""
    assert f"{step.gain:+.2f}".replace("-", "−") in label
    assert f"{step.log_prob_real:.2f}".replace("-", "−") in label
    drawn = turn.locator(".draws ol > li")
    assert drawn.count() == len(step.log_probs_counterfactual) >= 2
    assert step.counterfactual_ids[0][0] in drawn.first.inner_text()
    assert turn.locator(".gain-figure .drawn").count() == drawn.count()


def test_a_link_leads_to_the_same_view(browser: Browser, address: str, page: Page) -> None:
    page.locator("[data-filter=wrong]").click()
    page.locator("#sort").select_option("gain")
    for key in ("j", "g", "3"):
        page.keyboard.press(key)
    text = page.locator("#content").inner_text()
    with opened(browser, page.url) as again:
        again.page.wait_for_selector("article.group")
        assert again.page.locator("#content").inner_text() == text
        assert again.page.locator("[data-filter=wrong]").get_attribute("aria-pressed") == "true"
        assert again.page.locator("#sort").input_value() == "gain"
        assert again.page.url == page.url


@pytest.mark.parametrize("link", ["e=nobody", "f=%3Cb%3E,__proto__", "colour=constructor&sort=x"])
def test_a_link_that_makes_no_sense_does_no_harm(browser: Browser, address: str, link: str) -> None:
    with opened(browser, f"{address}#{link}") as found:
        found.page.wait_for_selector("#content > :not(.empty), #content > .empty")
        found.page.wait_for_selector("#row-0")
        assert listed(found.page) == 18
        assert found.complaints == []
        if link == "e=nobody":
            assert "an episode that this run does not have" in found.page.inner_text("#content")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    with opened(browser, address, width=width, scheme=scheme) as found:
        page = found.page
        page.wait_for_selector("#row-0")
        wide = "document.documentElement.scrollWidth"
        assert page.evaluate(wide) == width
        page.locator("#row-1").click()
        for view in ("episode", "group"):
            page.locator(f"[data-view={view}]").click()
            page.wait_for_selector(f"article.{view}")
            assert page.evaluate(wide) == width
            assert page.evaluate("document.getElementById('detail').scrollWidth") <= width
        assert page.locator(".list-pane").is_visible() == (width == 1280)
        if width == 390:
            page.locator("#back").click()
            assert page.locator("#list").is_visible()
        assert found.complaints == []


CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const pixel = (...colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const under = getComputedStyle(document.querySelector(".turn")).backgroundColor;
  const token = document.querySelector(".turn .token-policy, .turn .token-query");
  const ratios = {};
  for (const name of ["positive", "negative", "surprise"]) {
    token.style.backgroundColor = `color-mix(in oklab, var(--${name}) 76%, transparent)`;
    const style = getComputedStyle(token);
    const [a, b] = [pixel(under, style.backgroundColor), pixel(style.color)].map(light);
    ratios[name] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  for (const name of ["--muted", "--plus", "--minus", "--accent"]) {
    const probe = document.querySelector(".turn").appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    const [a, b] = [pixel(under), pixel(getComputedStyle(probe).color)].map(light);
    ratios[name] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    probe.remove();
  }
  return ratios;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_on_the_strongest_colours(
    browser: Browser, address: str, scheme: str
) -> None:
    with opened(browser, address, scheme=scheme) as found:
        found.page.wait_for_selector(".turn .token")
        ratios = found.page.evaluate(CONTRAST)
        assert min(ratios.values()) >= 4.5, ratios  # WCAG 2.2, 1.4.3


def test_everything_that_can_be_pressed_has_a_name_and_shows_its_focus(page: Page) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, summary, .tokens, svg")]
        .filter((each) => !(each.getAttribute("aria-label") || each.textContent.trim()
          || each.labels?.length || each.getAttribute("aria-labelledby")))
        .map((each) => each.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    page.keyboard.press("Tab")
    stops = set()
    for _ in range(60):
        stops.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or page.evaluate("document.activeElement === document.body")
        page.keyboard.press("Tab")
    assert {"search", "list", "sort", "tokens"} <= stops


def test_an_episode_with_its_answer_only_is_shown(browser: Browser, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [episode(answer("Ann"))])
    with opened(browser, page_of(run, tmp_path)) as found:
        found.page.wait_for_selector("article")
        text = found.page.inner_text("#content")
        assert "The tokenizer" not in text  # there are no tokens that it could be missed for
        assert "<answer> Ann </answer>" in text
        found.page.locator("#notes-button").click()
        assert "tokenizer is not at hand" in found.page.inner_text("#notes")


def test_a_run_without_episodes_says_so(browser: Browser, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [])
    (run / "episodes.jsonl").unlink()
    with opened(browser, f"{page_of(run, tmp_path)}#e={quote('0/q/0')}") as found:
        found.page.wait_for_selector("#notes-button:not([hidden])")
        found.page.locator("#notes-button").click()
        assert "episodes.jsonl is missing" in found.page.inner_text("#notes")
        assert found.complaints == []
