"""What several ranks record, written with the writer alone; shared by the tests of ranks."""

import numpy as np
from recording import boxes

from recorders.run.writer import SegmentWriter, new_run


def write_ranks(path, plans, *, codec="float32", join=True, parts=1):
    """Write one recording of several ranks and join it at the end.

    ``plans`` has for each rank a list of events as dicts: site, heads, example, seed, step,
    snapshot and the value that all of the event is made of. Returns the writers.
    """
    run = new_run()
    writers = [
        SegmentWriter(path, codec=codec, rank=rank, world=len(plans), run=run)
        for rank in range(len(plans))
    ]
    for writer, plan in zip(writers, plans, strict=True):
        fill(writer, plan, parts)
    if join:
        for writer in writers[1:]:
            writer.close(join=False)
        writers[0].close()
    return writers


def content(seed):
    """What an example of this seed is: the same seed, the same content."""
    image = np.random.default_rng(seed).integers(0, 256, (4, 5), dtype=np.uint8)
    regions = boxes(3 + seed % 2)
    return {
        "label": seed,
        "image": image if seed % 2 else None,
        "regions": regions if seed % 3 else None,
        "tokens": [f"token {seed}", "ü"][: seed % 3],
    }


def probabilities(value, heads, keys=7):
    """[1, heads, 2, keys] that tell one event from every other."""
    rng = np.random.default_rng(value)
    return rng.dirichlet(np.ones(keys), (1, heads, 2)).astype(np.float32)


def fill(writer, plan, parts=1):
    sites, snapshots = {}, {}
    for number, event in enumerate(plan):
        key = event["site"], event["heads"]
        if key not in sites:
            name = event["site"]
            sites[key] = writer.add_site(name, heads=event["heads"], layer=event["heads"])
        step = event["snapshot"]
        if step not in snapshots:
            snapshots[step] = writer.add_snapshot(step)
        example = writer.add_example(event["example"], **content(event["seed"]))
        p = probabilities(event["value"], event["heads"])
        at = {"step": event["step"], "snapshot": snapshots[step]}
        rows = np.full(p.shape[:-1], float(event["value"]))
        writer.add_events(
            site=sites[key],
            examples=np.array([example]),
            probabilities=p,
            log_prob=-rows,
            entropy=rows / 1e6,
            selection=p.argmax(-1)[..., None],
            **at,
        )
        writer.add_scalars(
            f"value of {event['site']}",
            examples=np.array([example]),
            steps=event["step"],
            snapshot=snapshots[step],
            values=float(event["value"]),
        )
        writer.add_later_tokens(
            examples=np.array([example]),
            axis=0,
            positions=np.array([event["step"]]),
            ids=np.array([event["value"]]),
            texts=[f"later {event['value']}"],
            **at,
        )
        writer.add_verification(
            sites[key],
            checked=1,
            failed=0,
            unchecked=0,
            error=event["value"] * 1e-9,
            tolerance=1e-5,
        )
        if parts > 1 and number % parts == 0:
            writer.flush()
