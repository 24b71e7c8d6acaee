"""What `./run` installs before it starts a command."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_recording_a_model_folder_needs_transformers_and_the_zoo_does_not(
    bootstrap: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert bootstrap.extras_of("record", ["record", "glimpse", "-o", "run.h5"]) == {"models"}
    folder = bootstrap.extras_of("record", ["record", str(tmp_path), "-o", "run.h5"])
    assert folder == {"models", "transformers"}


def test_a_check_needs_dask_where_a_scheduler_is_named(bootstrap: ModuleType) -> None:
    plain = bootstrap.extras_of("check", ["check", "run.h5", "--workers", "2"])
    assert plain == {"models", "faithfulness"}
    for words in (["--scheduler", "tcp://a:8786"], ["--scheduler=tcp://a:8786"]):
        assert bootstrap.extras_of("check", ["check", "run.h5", *words]) == {*plain, "cluster"}


def test_looking_needs_no_extra(bootstrap: ModuleType) -> None:
    assert bootstrap.extras_of("info", ["info", "run.h5"]) == set()
