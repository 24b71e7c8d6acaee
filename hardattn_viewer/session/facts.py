"""What is shown of a run as a whole."""

from __future__ import annotations

from pathlib import Path

from hardattn_viewer.session.draws import has_repeats
from hardattn_viewer.session.state import Live, Newest, RunFacts, SiteFacts
from recorders.run.following import Follower
from recorders.run.reader import Run
from recorders.run.recovery import sealed_name


def run_facts(run: Run) -> RunFacts:
    """What is shown of a run as a whole.

    Raises:
        recorders.RunError: the run is damaged.
    """
    first = run.examples[0] if len(run.examples) else None
    return RunFacts(
        name=run.name,
        size=run.bytes,
        sealed=run.sealed,
        sites=tuple(
            SiteFacts(
                name=site.name,
                mechanism=site.mechanism,
                hard=site.hard,
                heads=site.heads,
                key_axis=site.key_axis,
                verified=site.verified,
                capture=site.capture,
                kind=site.kind,
                layer=site.layer,
                head_indices=site.head_indices,
                large=run.has_large_maps(site),
            )
            for site in run.sites
        ),
        examples=len(run.examples),
        steps=run.most_steps(),
        regions=first.n_regions if first else 0,
        tokens=first.n_tokens if first else 0,
        snapshots=tuple(int(snapshot.step) for snapshot in run.snapshots),
        codec_error=float(run.codec_max_error),
        producer=str(run.producer),
        left_out=run.left_out,
        changed=run.changed,
        newest=tuple(None if at is None else Newest(*at) for at in run.newest),
        notices=notices_of(run),
        repeated=has_repeats(run),
        recorded=run.recorded,
        scalars=run.scalar_names,
    )


def notices_of(run: Run) -> tuple[str, ...]:
    """What of the file is damaged or unknown; what was left out is told apart."""
    return tuple(one for one in run.notices if one not in run.left_out)


def live_of(follower: Follower) -> Live | None:
    """What becomes of a run that may still grow; None where it is sealed."""
    parts = follower.run.path
    if follower.doing is None or not isinstance(parts, Path):
        return None
    return Live(follower.doing, follower.written, parts, sealed_name(parts))
