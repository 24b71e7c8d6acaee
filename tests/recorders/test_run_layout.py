import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
from recording import write_run

from recorders import read_run
from recorders.run.document import markdown

ROOT = Path(__file__).parents[2]


def test_the_page_about_the_format_is_what_the_code_defines():
    assert (ROOT / "docs/run-format.md").read_text() == markdown()


def test_the_page_is_remade_by_the_command_it_names():
    done = subprocess.run(
        [sys.executable, "-m", "recorders.run.layout"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", markdown())


def test_the_example_on_the_page_reads_what_the_reader_reads(tmp_path, monkeypatch):
    writer, _ = write_run(tmp_path / "run.h5", shape=(2, 3, 9), chosen=2)
    writer.close()
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs/run-format.md").read_text(), re.S)[1]
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "docs/run-format.md", "exec"), names)
    with read_run("run.h5") as run:
        assert (names["site"], names["example"]) == ("look", run.examples[0].name)
        np.testing.assert_allclose(names["probabilities"], run.map("look", 0), atol=1e-6)
        np.testing.assert_array_equal(names["selection"], run.selection("look", 0))
        np.testing.assert_array_equal(names["entropy"], run.entropy("look", 0).ravel())


def test_everything_in_a_run_has_an_encoding_and_nothing_a_variable_length(tmp_path):
    writer, _ = write_run(tmp_path / "run.h5")
    writer.close()
    seen = []

    def check(name, item):
        seen.append(name)
        assert item.attrs["encoding_version"] == b"1.0" and item.attrs["encoding"]
        assert h5py.check_vlen_dtype(item.attrs.get_id("encoding").dtype) is None
        if isinstance(item, h5py.Dataset):
            assert item.dtype.kind in "uif" and item.shuffle and item.compression == "gzip"

    with h5py.File(tmp_path / "run.h5") as file:
        file.visititems(check)
        page = markdown()
        assert all(f"`/{name}`" in page for name in file)
    assert len(seen) > 40


def test_reading_a_run_never_imports_torch_or_qt(tmp_path):
    writer, _ = write_run(tmp_path / "run.h5")
    writer.close()
    code = (
        "import sys, recorders\n"
        f"with recorders.read_run({str(tmp_path / 'run.h5')!r}) as run:\n"
        "    run.map('look', 0), run.image(0), run.columns()\n"
        "recorders.RunError, recorders.Run, recorders.Site\n"
        "print([name for name in sys.modules if name in ('torch', 'PySide6', 'captum')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_package_hands_out_what_its_stub_declares():
    import recorders

    stub = (ROOT / "recorders/__init__.pyi").read_text()
    assert sorted(re.findall(r" as (\w+)", stub)) == sorted(recorders.__all__)
    assert all(getattr(recorders, name).__name__ == name for name in recorders.__all__)
    assert set(recorders.__all__) <= set(dir(recorders))
