"""Every command and every piece of Python in README and docs runs as it stands there."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import os
import re
import signal
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
import torch
from page_things import LINES, put_things
from reading_pages import LANGUAGES, ROOT, Block, blocks_of, pages, text_of
from timm_alone import import_timm

from hardattn_viewer.cli import main
from hardattn_viewer.cli.main import build_parser

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# No block may take longer, s; most take far less than one.
PATIENCE = 120
BLOCKS = {page: blocks_of(page) for page in pages()}
# Pages whose code takes more than ten seconds.
SLOW = {"README.md", "docs/ten-minutes.md"}
# How many blocks of a page are not run; why stands in the page.
SKIPPED = {
    "README.md": 1,
    "docs/estimators.md": 1,
    "docs/faithfulness-scale.md": 2,
    "docs/faithfulness.md": 1,
    "docs/hardening.md": 1,
    "docs/install.md": 4,
    "docs/performance.md": 3,
    "docs/remote.md": 1,
    "sample_runs/README.md": 1,
}


@pytest.fixture(scope="session", autouse=True)
def application(qapp: object) -> object:
    """The one QApplication of the session: commands that draw find it."""
    return qapp


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to run a page in, and nothing of its modules left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    known, threads = set(sys.modules), torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(threads)
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in {"my_package", *(p.stem for p in tmp_path.glob("*.py"))}:
            del sys.modules[name]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] if page in SLOW else [])
        for page, blocks in BLOCKS.items()
        if blocks
    ],
)
def test_the_code_of_the_page_runs_from_top_to_bottom(page: str, place: Path) -> None:
    put_things(place, text_of(page))
    if "import timm" in text_of(page):
        import_timm()
    names: dict[str, object] = {"__name__": "page"}
    for block in BLOCKS[page]:
        if block.skipped is not None:
            check_unrun(block)
            continue
        with in_time(block), contextlib.redirect_stdout(io.StringIO()) as printed:
            run_python(block.before, block, names)
            if block.title:
                Path(block.title).write_text(block.text, encoding="utf-8")
            elif block.language == "python":
                run_python("\n" * (block.line - 1) + block.text, block, names)
            else:
                run_commands(block)
        names["printed"] = printed.getvalue().splitlines()
        run_python(block.after, block, names)


@pytest.mark.parametrize("page", pages())
def test_what_the_page_links_to_is_there(page: str) -> None:
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_the_system_packages_of_the_install_page_are_those_that_are_needed() -> None:
    known = json.loads((ROOT / "hardattn_viewer" / "system_libraries.json").read_text())
    page = text_of("docs/install.md")
    commands = re.findall(r"^sudo apt-get install --no-install-recommends ([^#\n]+)", page, re.M)
    named = [command.split() for command in commands]
    assert named == [list(known[kind].values()) for kind in ("offscreen", "window")]


def test_every_fence_is_of_a_language_that_is_run() -> None:
    found = {block.language for blocks in BLOCKS.values() for block in blocks}
    assert found <= {*LANGUAGES, "text"}, found


def test_few_blocks_are_not_run_and_all_of_them_are_listed() -> None:
    found = Counter(b.page for blocks in BLOCKS.values() for b in blocks if b.skipped is not None)
    assert dict(found) == SKIPPED
    assert sum(found.values()) <= 15


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<!-- not run: -->\n```sh\nls\n```\n", "say why"),
        ("<!-- not run -->\n```sh\nls\n```\n", "say why"),
        ("<!-- run with train --steps 2 -->\n```sh\nls\n```\n", "say why"),
        ("```\nls\n```\n", "names no language"),
        ("```sh\nls\n", "not closed"),
    ],
)
def test_a_block_that_is_not_run_must_say_why(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        blocks_of("page.md", text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```sh\nhardattn view --no-such-option run.h5\n```\n", "no-such-option"),
        ("```sh\n./run vlew\n```\n", "invalid choice: 'vlew'"),
        ('```sh\npip install "hardattn[nothing]"\n```\n', "nothing"),
        ("```sh\npython docs/no_such_file.py\n```\n", "no_such_file"),
        ("```sh\npython benchmarks/reading.py --megabytes 3\n```\n", "--megabytes"),
        ("```python\nfrom recorders import NoSuchThing\n```\n", "NoSuchThing"),
        ("```python\nimport recorders\nx = = 1\n```\n", "invalid syntax"),
    ],
)
def test_what_is_not_run_is_read_all_the_same(
    text: str, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = blocks_of("page.md", f"<!-- not run: only for this test -->\n{text}")
    with pytest.raises((AssertionError, ImportError, SyntaxError, SystemExit)) as raised:
        check_unrun(block)
    assert fault in f"{raised.value}{capsys.readouterr().err}"


# --- running ---------------------------------------------------------------------------------


@contextlib.contextmanager
def in_time(block: Block) -> Iterator[None]:
    """Fail where a block takes longer than anybody would wait for."""

    def late(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"{block.place} took more than {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_python(code: str, block: Block, names: dict[str, object]) -> None:
    exec(compile(code, str(ROOT / block.page), "exec"), names)


def run_commands(block: Block) -> None:
    for at, words in enumerate(block.commands()):
        assert words[0] == "hardattn", f"{block.place}: only hardattn itself runs here: {words}"
        words = [*words[1:], *(block.added[1:] if block.added[:1] == tuple(words[1:2]) else ())]
        if words[0] == "view" and "--screenshot" not in words:
            words += ["--screenshot", f"view-{block.line}-{at}.png"]
        with contextlib.redirect_stderr(io.StringIO()) as said, stdin_of_lines():
            code = main(words)
        assert code == 0, f"{block.place}: hardattn {' '.join(words)}: {said.getvalue()}"


@contextlib.contextmanager
def stdin_of_lines() -> Iterator[None]:
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(LINES.encode()))
    try:
        yield
    finally:
        sys.stdin = before


# --- reading what cannot run -----------------------------------------------------------------


def check_unrun(block: Block) -> None:
    """Fail where a block names what is not there: an option, a file, an extra, an import."""
    if block.language == "python":
        tree = ast.parse(block.text, block.place)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                module = importlib.import_module(node.module)
                for name in node.names:
                    assert hasattr(module, name.name), f"{block.place}: no {name.name}"
        return
    for words in block.commands():
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words = words[1:]
        program, rest = words[0], words[1:]
        if program == "hardattn" or (program == "./run" and rest):
            build_parser().parse_args(rest)
        elif Path(program).name in ("python", "python3"):
            check_script(rest, block)
        elif Path(program).name == "pip":
            check_extras(rest, block)
        elif program.startswith("./"):
            assert (ROOT / program).is_file(), f"{block.place}: {program} is not there"


def check_script(words: list[str], block: Block) -> None:
    if words[:1] == ["-m"]:
        name = words[1].replace(".", "/")
        found = [p for p in (ROOT / f"{name}.py", ROOT / name / "__main__.py") if p.is_file()]
        if words[1].partition(".")[0] in ("venv", "pip"):
            return
        rest = words[2:]
    else:
        found = [ROOT / words[0]] if (ROOT / words[0]).is_file() else []
        rest = words[1:]
    assert found, f"{block.place}: there is no {' '.join(words[:2])}"
    source = found[0].read_text(encoding="utf-8")
    for word in rest:
        if word.startswith("--"):
            option = word.partition("=")[0]
            assert f'"{option}"' in source, f"{block.place}: {found[0].name} has no {option}"


def check_extras(words: list[str], block: Block) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in words:
        match = re.fullmatch(r"(?:hardattn|\.)\[([\w,]+)\]", word)
        for extra in match[1].split(",") if match else ():
            assert extra in project["optional-dependencies"], f"{block.place}: no extra {extra}"
