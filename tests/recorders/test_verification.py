import json

import numpy as np
import pytest

from hardattn_viewer.cli.main import main
from recorders import read_run
from recorders.run.validate import findings
from recorders.run.writer import SegmentWriter

ACTIVE = "dropout is active"


def checks(checked=0, failed=0, unchecked=0, error=np.nan, tolerance=1e-5, reason=""):
    return {
        "checked": checked,
        "failed": failed,
        "unchecked": unchecked,
        "error": error,
        "tolerance": tolerance,
        "reason": reason,
    }


def recorded(path, *sites, rows=None, **facts):
    """A run whose sites have these checks; every site has one event of a head for each row."""
    writer = SegmentWriter(path, metadata=facts)
    snapshot, example = writer.add_snapshot(0), writer.add_example("a")
    p = np.array([[0.25, 0.75]] if rows is None else rows, np.float32)[None, None]
    known = np.where(p > 0, p, 1)
    for number, known_checks in enumerate(sites):
        site = writer.add_site(
            f"layers.{number}",
            kind="self",
            mechanism="soft",
            heads=1,
            layer=number,
            module="Attention",
            capture="sdpa",
            verified="as stored",
        )
        writer.add_events(
            site=site,
            examples=np.array([example]),
            step=0,
            snapshot=snapshot,
            probabilities=p,
            log_prob=np.full(p.shape[:-1], np.nan),
            entropy=-(known * np.log(known)).sum(-1),
        )
        for row in known_checks:
            writer.add_verification(site, **row)
    writer.close()
    return path


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "as stored"),
        (
            [checks(90, error=3.1e-7), checks(6, error=1e-9)],
            "verified: 96 of 96 events, largest error 3.1e-7",
        ),
        ([checks(unchecked=3, reason=ACTIVE)], "not verified: dropout is active"),
        ([checks(unchecked=3)], "not verified: there was nothing to compare with"),
        (
            [checks(90, error=0.0), checks(unchecked=6, reason=ACTIVE)],
            "verified: 90 of 96 events, largest error 0; the others not: dropout is active",
        ),
        (
            [checks(94, error=1e-8), checks(2, 2, error=0.3)],
            "MISMATCH: 2 of 96 events differ, largest error 0.3 (tolerance 1e-5)",
        ),
        (
            [checks(2, 1, error=np.nan), checks(2, error=0.1)],
            "MISMATCH: 1 of 4 events differs, largest error nan (tolerance 1e-5)",
        ),
        (
            [checks(1200, 1000, error=2.0, tolerance=2e-2, reason="the mask is unknown")],
            "MISMATCH: 1,000 of 1,200 events differ, largest error 2 (tolerance 0.02): "
            "the mask is unknown",
        ),
    ],
)
def test_checks_of_one_site_add_up_to_one_sentence(tmp_path, rows, words):
    with read_run(recorded(tmp_path / "run.h5", rows)) as run:
        assert run.sites[0].verified == words
        known = run.verification("layers.0")
        assert known == run.verification(run.sites[0])
        assert known.words == ("" if not rows else words)
        assert known.checked == sum(row["checked"] for row in rows)
        assert known.failed == sum(row["failed"] for row in rows)
        assert known.unchecked == sum(row["unchecked"] for row in rows)
        assert (known.error is None) == (known.checked == 0)
        with pytest.raises(IndexError, match="no site 'elsewhere'"):
            run.verification("elsewhere")


def test_a_mismatch_is_an_error_and_what_could_not_be_checked_a_notice(tmp_path, capsys):
    path = recorded(
        tmp_path / "run.h5",
        [checks(5, error=1e-7)],
        [checks(5, 2, error=0.5)],
        *[[checks(unchecked=5, reason=ACTIVE)]] * 4,
        [checks(4, error=1e-7), checks(unchecked=1, reason="the values are out of reach")],
        left_out=["2 sites that sites=x does not name"],
        changed=["the fast path is off"],
    )
    found = [(finding.severity, finding.what) for finding in findings(path)]
    assert found == [
        ("notice", "left out: 2 sites that sites=x does not name"),
        ("notice", "changed: the fast path is off"),
        (
            "error",
            "site 'layers.1': MISMATCH: 2 of 5 events differ, largest error 0.5 (tolerance 1e-5); "
            "what is recorded there is not what the model used",
        ),
        (
            "notice",
            "4 sites ('layers.2', 'layers.3', 'layers.4' and 1 more): "
            "not verified: dropout is active",
        ),
        (
            "notice",
            "site 'layers.6': 1 event is not verified: the values are out of reach",
        ),
    ]
    assert main(["validate", str(path)]) == 1
    assert "error: /verifications: site 'layers.1'" in capsys.readouterr().out


def test_checks_that_cannot_be_are_an_error(tmp_path):
    path = recorded(tmp_path / "run.h5", [checks(1), checks(1, 2)])
    assert [f.where for f in findings(path) if f.severity == "error"] == ["/verifications"]


def test_a_row_that_attends_to_nothing_stays_zero_and_has_no_entropy(tmp_path):
    rows = [[0.5, 0.5], [0, 0], [1, 0]]
    path = recorded(tmp_path / "run.h5", [], rows=rows)
    with read_run(path) as run:
        np.testing.assert_allclose(run.map("layers.0", 0)[0], rows, atol=1e-6)
        entropy = run.entropy("layers.0", 0)[0]
        np.testing.assert_allclose(entropy[[0, 2]], [np.log(2), 0])
        assert np.isnan(entropy[1])
        # Means are over the rows that attend to something.
        assert run.scalars(0)["entropy"] == pytest.approx([np.log(2) / 2])
        assert run.columns()["entropy"] == pytest.approx([np.log(2) / 2])
    found = findings(path)
    assert [(finding.severity, finding.where) for finding in found] == [
        ("notice", "/maps/probabilities")
    ]
    assert found[0].what.startswith("1 row of 1 event attends to nothing")


def test_an_event_that_attends_to_nothing_at_all_has_no_mean_entropy(tmp_path):
    with read_run(recorded(tmp_path / "run.h5", [], rows=[[0, 0]])) as run:
        assert not run.map("layers.0", 0).any()
        assert np.isnan(run.scalars(0)["entropy"]).all() and np.isnan(run.columns()["entropy"])


def test_a_row_that_sums_to_something_else_stays_an_error(tmp_path):
    path = recorded(tmp_path / "run.h5", [], rows=[[0, 0], [0.5, 0.3]])
    assert ("error", "/maps/probabilities") in {(f.severity, f.where) for f in findings(path)}


def test_info_tells_a_deep_model_in_a_few_lines_and_every_site_in_json(tmp_path, capsys):
    fine = [[checks(96, error=number * 1e-8)] for number in range(24)]
    path = recorded(
        tmp_path / "run.h5",
        *fine,
        [checks(96, 1, error=0.3)],
        left_out=["queries other than the last of each map"],
        changed=["the fast path is off"],
    )
    assert main(["info", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 15
    whole = "\n".join(lines)
    assert (
        "24 sites   layers.0 … layers.23: self, soft (soft), 1 head, queries × keys, "
        "layers 0 to 23, Attention, captured by sdpa"
    ) in whole
    assert "verified: 2,304 of 2,304 events, largest error 2.3e-7" in whole
    assert "site       layers.24: self" in whole and "layer 24" in whole
    assert "MISMATCH: 1 of 96 events differs" in whole
    assert "left out   queries other than the last of each map" in whole
    assert "changed    the fast path is off" in whole
    assert main(["info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["left_out"] == ["queries other than the last of each map"]
    assert facts["changed"] == ["the fast path is off"]
    assert len(facts["sites"]) == 25
    last = facts["sites"][-1]
    assert (last["layer"], last["module"], last["capture"]) == (24, "Attention", "sdpa")
    assert last["verification"] == {
        "checked": 96,
        "failed": 1,
        "unchecked": 0,
        "error": 0.3,
        "tolerance": 1e-5,
        "reasons": [],
    }


def test_regions_behind_special_keys_and_boxes_of_the_event_itself_are_counted(tmp_path):
    path = tmp_path / "run.h5"
    writer = SegmentWriter(path)
    site, snapshot = writer.add_site("look", key_axis="regions"), writer.add_snapshot(0)
    example = np.array([writer.add_example("a", regions=np.tile([0, 0, 1, 1], (2, 1)))])
    own = writer.add_region_set(np.tile([0, 0, 2, 2], (5, 1)))

    def add(step, keys, **more):
        writer.add_events(
            site=site,
            examples=example,
            step=step,
            snapshot=snapshot,
            probabilities=np.full((1, 1, 1, keys), 1 / keys, np.float32),
            log_prob=np.zeros((1, 1, 1)),
            entropy=np.full((1, 1, 1), np.log(keys)),
            **more,
        )

    add(0, 2)
    add(1, 3, first_region=1)
    add(2, 4, first_region=1, sink=True)
    add(3, 6, first_region=1, region_set=own)
    writer.flush()
    add(4, 5, first_region=1, region_set=own)
    add(5, 2, first_region=3)
    writer.close()
    found = {(finding.severity, finding.where, finding.what) for finding in findings(path)}
    assert found == {
        ("warning", "/events/keys", "row 4 does not leave one key for each region (2 rows in all)"),
        ("error", "/events/first_region", "row 5 is beyond the keys"),
    }
