"""Reports of checks as HTML and PDF: all that was found is in them, and nothing else happens."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader
from PySide6.QtGui import QGuiApplication

from hardattn_viewer.checks.audit import Audit
from hardattn_viewer.checks.choice_tests import ChoiceTests
from hardattn_viewer.checks.document import LIMITS, document_of
from hardattn_viewer.checks.file import checks_path, read_checks
from hardattn_viewer.checks.report import Report, concluded
from hardattn_viewer.checks.scores import score_of
from hardattn_viewer.checks.scoring import BY_REMOVAL, SENSITIVITY
from hardattn_viewer.checks.words import methods
from hardattn_viewer.figures.figure import FigureError
from hardattn_viewer.figures.report import save_report

SAMPLES = Path(__file__).parents[2] / "sample_runs"
SCORE = re.compile(r"(\S+) \[(\S+), \S+\] (\d+)% \[(\d+)%, (\d+)%\]")


class Page(HTMLParser):
    """What stands on a page: its words, its tables and every address."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._words: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self._inside = True
        if tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        self._words.append(data)
        if self._inside:
            self.rows[-1][-1] += data

    @property
    def words(self) -> str:
        return " ".join("".join(self._words).split())


def written(report: Report, folder: Path, name: str = "glimpse-hard") -> tuple[Page, str]:
    """A report as a parsed page, and as the text of a PDF."""
    page, pdf = folder / "r.html", folder / "r.pdf"
    save_report(report, name, page)
    save_report(report, name, pdf)
    return Page(page.read_text(encoding="utf-8")), pdf_words(pdf)


def pdf_words(path: Path) -> str:
    """The words of a PDF; ends of lines are no part of them."""
    parts = [page.extract_text() for page in PdfReader(path).pages]
    return "".join("".join(parts).split())


def in_pdf(words: str, text: str) -> bool:
    return "".join(words.split()) in text


@pytest.fixture(scope="module")
def report() -> Report:
    return read_checks(checks_path(SAMPLES / "glimpse-hard.h5"))


@pytest.fixture(scope="module")
def both(
    report: Report, tmp_path_factory: pytest.TempPathFactory, qapp: object
) -> tuple[Page, str]:
    return written(report, tmp_path_factory.mktemp("reports"))


def test_verdicts_come_first_with_their_sentences(report: Report, both: tuple[Page, str]) -> None:
    page, text = both
    places = []
    for name, one in report.verdicts.items():
        words = f"{name}: {one.level} {one.sentence}"
        places.append(page.words.index(words))
        assert in_pdf(words, text), words
    assert places == sorted(places) and len(places) == 8
    titles = "Audit of the operators", "Deletion and insertion", "Forced selection", "Scores"
    for title in (*titles, "Agreement between methods", "Controls", "Methods", "Limits"):
        assert page.words.index(f" {title} ") > places[-1] and in_pdf(title, text)
    from_where = (
        "Run glimpse-hard.h5, model glimpse-hard.safetensors, 24 examples, seed 0, hardattn 0.1.0."
    )
    begin = f"Faithfulness of glimpse-hard {from_where} Verdicts selection: supported"
    assert in_pdf(begin, text) and begin in page.words


def test_every_number_of_the_report_is_in_its_tables(
    report: Report, both: tuple[Page, str]
) -> None:
    page, text = both
    rows = {tuple(row[:2]): row for row in page.rows if len(row) == 7}
    for one in report.explained:
        win, mean = one.separation.win, one.comprehensive
        row = rows[one.explainer, one.operator]
        assert row[2] == f"{win.mean:.0%} [{win.low:.0%}, {win.high:.0%}]"
        assert row[3] == ("< 0.001" if one.q < 0.001 else f"{one.q:.3f}")
        assert row[4] == f"{mean.mean:+.3f} [{mean.low:+.3f}, {mean.high:+.3f}]"
        assert f"{one.sufficient.mean:+.3f}" in row[5] and in_pdf("".join(row), text)
    scored = [row for row in page.rows if len(row) == 6 and row[0] in report.explainers]
    assert len(scored) == 2 * len(report.explainers)
    operators = [one.operator for one in report.measured]
    for at, row in enumerate(scored):
        operator = operators[at // len(report.explainers)]
        for cell, kind in zip(row[1:], BY_REMOVAL, strict=True):
            score = score_of(report.scores, row[0], operator, kind)
            assert score is not None
            told = SCORE.fullmatch(cell)
            assert told is not None, cell
            value, low, won, least, most = map(float, told.groups())
            assert value == pytest.approx(score.value.mean, rel=6e-3, abs=6e-3)
            assert low == pytest.approx(score.value.low, rel=6e-3, abs=6e-3)
            shares = [score.win.mean, score.win.low, score.win.high]
            assert [won, least, most] == pytest.approx([100 * x for x in shares], abs=0.51)
            assert in_pdf(cell, text)
    moved = score_of(report.scores, "integrated-gradients", "", SENSITIVITY)
    assert moved is not None and f"{moved.value.mean:.3g} [" in page.words
    for audit in report.audits.values():
        assert f"{audit.shift:+.3f}" in page.words and in_pdf(f"{audit.shift:+.3f}", text)
    for value in report.agreement.ravel():
        assert f"{abs(value):.2f}" in page.words
    for control in report.sanity:
        assert control.name in page.words and in_pdf(control.name, text)
    for example, made in report.forced.items():
        row = next(row for row in page.rows if row and row[0] == str(example))
        assert row[2] == f"{made.whole:.3f}" and row[1].split() == list(map(str, made.chosen))
    for fact in ("glimpse-hard.safetensors", "torch 2.13.0+cpu, Captum 0.9.0", "150,878"):
        assert fact in page.words and in_pdf(fact, text)
    assert methods(report) in page.words and in_pdf(methods(report), text)
    for limit in LIMITS:
        assert limit in page.words and in_pdf(limit, text)


def test_what_hard_attention_does_stands_place_by_place(tmp_path: Path, qapp: object) -> None:
    report = read_checks(checks_path(SAMPLES / "glimpse-soft.h5"))
    made = report.hardened
    assert made is not None and len(made.places) == 7
    page, text = written(report, tmp_path, "glimpse-soft")
    rows = {tuple(row[:2]): row[2:] for row in page.rows if len(row) == 5}
    for at, place in enumerate(made.places):
        for way, how in enumerate(("argmax", "sample")):
            name = "all choices" if place.layer < 0 else f"choice {place.layer + 1}"
            moved = made.values[way, at] - made.whole
            flipped = f"{int(made.flips[way, at].sum())} of {len(made.examples)}"
            mean = f"{np.mean(moved):+.3f}".replace("-0.000", "+0.000")
            found = rows[name, how]
            assert found == [mean, f"{np.mean(abs(moved)):.3f}", flipped], name
            assert in_pdf("".join([name, how, *found]), text)
    chooses = read_checks(checks_path(SAMPLES / "glimpse-hard.h5"))
    page, text = written(chooses, tmp_path, "glimpse-hard")
    assert f"Not applicable: {chooses.hardened.reason}." in page.words


def test_answers_to_further_questions_stand_in_the_report(
    report: Report, tmp_path: Path, qapp: object
) -> None:
    paths = np.array([[0.2, 0.4, 0.6], [0.5, 0.5, 0.8]])
    page, text = written(replace(report, tests=ChoiceTests(paths=paths)), tmp_path)
    said = "probability over 3 episodes drawn from the policy 0.500 [0.400, 0.600]"
    assert said in page.words and in_pdf(said, text)
    within = np.std(paths, axis=1, ddof=1).mean()
    assert f"standard deviation within an example {within:.3f}" in page.words


def test_a_page_asks_for_nothing_and_can_be_read_aloud(both: tuple[Page, str]) -> None:
    page, _ = both
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "iframe", "object", "form", "a"} & set(names)
    assert names.count("h1") == 1 and dict(page.tags)["html"] == {"lang": "en"}
    for tag, given in page.tags:
        for what in ("src", "srcset"):
            assert str(given.get(what, "data:")).startswith("data:image/svg+xml;base64,") or (
                what not in given
            )
        assert not [key for key in given if key.startswith("on")]
        if tag == "img":
            assert len(given["alt"] or "") > 20 and given["width"] and given["height"]
    policy = next(given["content"] for _, given in page.tags if "http-equiv" in given)
    assert (policy or "").startswith("default-src 'none'")
    assert names.count("table") == names.count("caption") > 6
    assert names.count("img") == names.count("source") == 6
    heads = [given.get("scope") for tag, given in page.tags if tag == "th"]
    assert set(heads) == {"row", "col"}


def test_the_same_checks_give_the_same_bytes(report: Report, tmp_path: Path, qapp: object) -> None:
    for suffix in (".html", ".pdf"):
        one, other = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        save_report(report, "x", one)
        # A PDF counts seconds.
        time.sleep(1.1)
        save_report(read_checks(checks_path(SAMPLES / "glimpse-hard.h5")), "x", other)
        assert one.read_bytes() == other.read_bytes()
        save_report(report, "y", other)
        assert one.read_bytes() != other.read_bytes()


def test_a_pdf_has_pages_of_a4_with_their_numbers(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "r.pdf"
    save_report(report, "glimpse-hard", path)
    found = PdfReader(path)
    count = len(found.pages)
    assert 4 < count < 10 and found.metadata is not None
    assert found.metadata.title == "Faithfulness of glimpse-hard"
    for at, page in enumerate(found.pages):
        assert (round(float(page.mediabox.width)), round(float(page.mediabox.height))) == (595, 842)
        assert f"{at + 1} of {count}" in " ".join(page.extract_text().split())


EVIL = '<script>alert("1")</script>'


def test_hostile_names_are_words_and_nothing_else(
    report: Report, tmp_path: Path, qapp: object
) -> None:
    def renamed(names: dict[str, object]) -> dict[str, object]:
        return {EVIL if key == "shapley" else key: value for key, value in names.items()}

    measured = [
        replace(
            one,
            operator=f"<b>{one.operator}</b>",
            words='"><img src=x onerror=alert(1)>',
            **{
                name: renamed(getattr(one, name))
                for name in ("deletion", "insertion", "scores", "reasons", "notes", "scored")
            },
        )
        for one in report.measured
    ]
    hostile = concluded(
        measured,
        forced=report.forced,
        sanity=report.sanity,
        facts={**report.facts, "model": "</style><h1>&amp;\u202eevil", "run": "a\nb"},
        warnings=["<a href='http://x'>left</a>"],
    )
    page, text = written(hostile, tmp_path, '</title><svg onload="1">')
    names = [tag for tag, _ in page.tags]
    assert not {"script", "svg", "a", "b&"} & set(names) and names.count("h1") == 1
    assert names.count("img") == 6
    for words in (
        EVIL,
        "<b>grey</b>",
        '"><img src=x onerror=alert(1)>',
        "</style><h1>&amp;·evil",
        "<a href='http://x'>left</a>",
        'Faithfulness of </title><svg onload="1">',
    ):
        assert words in page.words, words
        assert in_pdf(words, text), words
    assert "\u202e" not in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_reports_without_removals_scores_or_verdicts_are_written(
    report: Report, tmp_path: Path, qapp: object
) -> None:
    choices = concluded([], forced=report.forced, facts={"seed": 0})
    page, text = written(choices, tmp_path, "memory")
    assert "hard choice" in page.words and "Deletion" not in page.words
    old = concluded([replace(one, scored={}) for one in report.measured])
    page, text = written(old, tmp_path, "old")
    assert "infidelity" not in page.words and "Infidelity (Yeh" not in page.words
    assert "Forced selection" not in page.words and not in_pdf("Forcedselection", text)
    empty = concluded([])
    page, _ = written(empty, tmp_path, "nothing")
    assert "Nothing was measured." in page.words
    failed = Audit(0.3, 0.01, 1.0, 0.01, passed=False, examples=24)
    one = replace(report, audits={**report.audits, "grey": failed})
    page, text = written(one, tmp_path)
    assert "failed, left out" in page.words and in_pdf("failed, left out", text)


def test_a_report_is_html_or_pdf(report: Report, tmp_path: Path, qapp: object) -> None:
    with pytest.raises(FigureError, match=r"'\.txt'; a report is saved as \.html or \.pdf"):
        save_report(report, "x", tmp_path / "r.txt")
    with pytest.raises(FigureError, match="cannot write"):
        save_report(report, "x", tmp_path / "no" / "r.html")
    assert isinstance(qapp, QGuiApplication)
    assert not list(tmp_path.iterdir())


def test_a_document_has_a_cell_a_column(report: Report) -> None:
    for block in document_of(report, "x").blocks:
        rows = getattr(block, "rows", ())
        assert all(len(row) == len(block.columns) for row in rows)  # type: ignore[union-attr]
    assert np.isfinite(report.agreement).all()
