"""The n-th call of the disk refused; `python tests/faults/campaign.py` refuses every one."""

import errno

import io_errors
import pytest


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *(("open", number) for number in (2, 9, 16, 20)),
        *(("write", number) for number in (1, 2, 3, 4)),
        *(("fsync", number) for number in (1, 2, 5, 7, 8, 9)),
        *(("close", number) for number in (1, 6)),
        *(("replace", number) for number in (1, 2, 3, 4)),
        *(("unlink", number) for number in (1, 2, 4)),
        ("mkdir", 1),
        ("rmdir", 1),
        ("ftruncate", 1),
        ("truncate", 1),
        ("stat", 3),
        ("listdir", 4),
    ],
)
def test_a_refused_call_is_an_ordinary_error_and_nothing_acknowledged_is_lost(name, number):
    assert io_errors.refused(name, number, errno.EIO, "once")


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8])
@pytest.mark.parametrize("name", ["pwrite", "pread"])
def test_a_refused_piece_is_an_ordinary_error_and_nothing_acknowledged_is_lost(name, share):
    number = 1 + int(share * io_errors.calls(name))
    assert io_errors.refused(name, number, errno.EIO, "once")


@pytest.mark.parametrize("mode", ["once torn", "lasting"])
@pytest.mark.parametrize(("name", "number"), [("write", 2), ("write", 4), ("pwrite", 20)])
def test_a_disk_that_is_full_for_good_or_in_the_middle_of_a_write_loses_nothing(name, number, mode):
    assert io_errors.refused(name, number, errno.ENOSPC, mode)


@pytest.mark.campaign
def test_every_call_of_the_disk_may_be_refused():
    counts, failed = io_errors.campaign()
    assert not failed, failed[:3]
    assert {"write", "pwrite", "fsync", "replace", "mkdir", "unlink"} <= set(counts)
