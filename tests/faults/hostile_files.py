"""A small honest run, and everything that can be done to make a file of it that is not."""

import struct
import zlib

import h5py
import numpy as np

from recorders.run.codec import crc32, pack
from recorders.run.images import encode_png
from recorders.run.writer import SegmentWriter

EXAMPLES, STEPS, KEYS = 3, 2, 9
NEW = ("v110", "v110")


def honest_run(path, *, codec="sqrt16"):
    """Write a run that has every table; returns its maps by (example, step)."""
    rng = np.random.default_rng(5)
    writer = SegmentWriter(path, codec=codec, metadata={"seed": 5})
    site = writer.add_site("look", mechanism="sampled", hard=True, key_axis="regions")
    snapshot = writer.add_snapshot(0)
    corner = np.arange(KEYS, dtype=np.float32)
    boxes = np.stack([corner, corner, corner + 1, corner + 1], axis=1)
    maps = {}
    for row in range(EXAMPLES):
        image = rng.integers(0, 256, (12, 10), dtype=np.uint8)
        number = writer.add_example(
            name=f"test-{row}", image=image, regions=boxes, label=row, tokens=["a", "b"]
        )
        one = np.array([number])
        for step in range(STEPS):
            p = rng.dirichlet(np.ones(KEYS), (1, 1, 1)).astype(np.float32)
            maps[row, step] = p[0]
            writer.add_events(
                site=site, examples=one, step=step, snapshot=snapshot, probabilities=p,
                log_prob=np.full((1, 1, 1), -1.0), entropy=np.ones((1, 1, 1)),
                selection=np.full((1, 1, 1, 1), row),
            )  # fmt: skip
            writer.add_scalars("reward", examples=one, steps=step, snapshot=snapshot, values=1.0)
        writer.add_outcomes(examples=one, snapshot=snapshot, prediction=row, confidence=0.5)
        writer.add_later_tokens(
            examples=one, step=0, snapshot=snapshot, axis=0, positions=np.array([2]),
            ids=np.array([7]), texts=["c"],
        )  # fmt: skip
    writer.add_verification(
        site=site, checked=5, failed=0, unchecked=1, error=1e-7, tolerance=1e-5, reason="one"
    )
    writer.close()
    return maps


def attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def metadata(text):
    return attribute("metadata", np.bytes_(text if isinstance(text, bytes) else text.encode()))


def replaced(path, **options):
    """Another dataset in the place of one, with its attributes."""

    def change(file):
        old, attributes = file[path][:], dict(file[path].attrs)
        del file[path]
        usual = {"data": old, "chunks": (len(old),), "maxshape": (None,), "shuffle": True}
        chosen = usual | options
        chosen.setdefault("compression", "gzip")
        chosen = {name: value for name, value in chosen.items() if value is not None}
        file.create_dataset(path, **chosen).attrs.update(attributes)

    return change


def changed(path, value, row=0):
    """One value of a column, with the checksum that goes with it."""

    def change(file):
        data = file[path][:]
        data[row] = value
        file[path][:] = data
        if "crc32" in file[path].attrs:
            file[path].attrs["crc32"] = np.uint32(crc32(data))

    return change


def together(*changes):
    return lambda file: [change(file) for change in changes] and None


def texts(table, name, strings):
    """Other strings in a column of them, well formed, with their checksums."""

    def change(file):
        data = [one if isinstance(one, bytes) else one.encode() for one in strings]
        ends = np.cumsum([0, *map(len, data)]).astype("<i8")
        for path, values in (
            (f"{table}/{name}", np.frombuffer(b"".join(data), np.uint8)),
            (f"{table}/{name}_offsets", ends),
        ):
            replaced(path, data=values, chunks=(len(values),))(file)
            file[path].attrs["crc32"] = np.uint32(crc32(values))

    return change


def raw_chunk(path, stored, *, mask=0):
    """A stored chunk as it is given, with the checksum that goes with it."""

    def change(file):
        file[path].id.write_direct_chunk((0,), stored, mask)
        if f"{path}_crc32" in file:
            changed(f"{path}_crc32", crc32(stored))(file)

    return change


def scribbled(path):
    """One byte in the middle of the first stored chunk of a dataset, and no checksum for it."""

    def change(file):
        info = file[path].id.get_chunk_info(0)
        name = file.filename
        file.close()
        with open(name, "r+b") as raw:  # noqa: PTH123
            raw.seek(info.byte_offset + info.size // 2)
            byte = raw.read(1)[0]
            raw.seek(-1, 1)
            raw.write(bytes([byte ^ 0x10]))

    return change


def external_storage(target):
    def change(file):
        del file["events/step"]
        file.create_dataset("events/step", (6,), "<i4", external=[(target, 0, 24)])

    return change


def virtual(path, target):
    def change(file):
        made = h5py.VirtualLayout((6,), "<i4")
        made[:] = h5py.VirtualSource(target, "x", (6,))
        if path in file:
            del file[path]
        file.create_virtual_dataset(path, made)

    return change


def empty_giant(path, length, chunk):
    def change(file):
        del file[path]
        file.create_dataset(
            path, (length,), "<i4", chunks=(chunk,), maxshape=(None,), shuffle=True,
            compression="gzip",
        )  # fmt: skip

    return change


def filtered(path, *filters):
    """A dataset with these filters, each its number and parameters, in their order."""

    def change(file):
        old = file[path][:]
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((len(old),))
        for code, values in filters:
            properties.set_filter(code, h5py.h5z.FLAG_OPTIONAL, values)
        kind = h5py.h5t.py_create(old.dtype)
        space = h5py.h5s.create_simple((len(old),), (h5py.h5s.UNLIMITED,))
        crc = file[path].attrs["crc32"]
        del file[path]
        made = h5py.h5d.create(file.id, path.encode(), kind, space, properties)
        made.write_direct_chunk((0,), pack(old))
        h5py.Dataset(made).attrs["crc32"] = crc

    return change


def nested(path, depth):
    def change(file):
        group = file.create_group(path)
        for _ in range(depth):
            group = group.create_group("x")

    return change


def many_groups(path, count):
    def change(file):
        group = file.require_group(path)
        for number in range(count):
            h5py.h5g.create(group.id, b"%d" % number)

    return change


def committed(path):
    def change(file):
        if path in file:
            del file[path]
        file[path] = np.dtype("<i4")

    return change


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(kind):
    """Another file in the place of the first image."""

    def change(file):
        small = encode_png(np.zeros((12, 10), np.uint8))
        header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0))
        data = {
            "of other pixels": small,
            "that claims to be huge": small[:8] + header + small[33:],
            "that says so twice": small[:33] + header + small[33:],
            "that is a GIF": b"GIF89a" + bytes(100),
            "that is cut short": small[:40],
        }[kind]
        chunk = file["images/png"].shape[0]
        values = np.zeros(chunk, np.uint8)
        values[: len(data)] = np.frombuffer(data, np.uint8)
        raw_chunk("images/png", pack(values))(file)
        changed("images/size", len(data))(file)
        changed("images/offset", 0)(file)

    return change


def duplicated_link(file):
    file["outcomes/again"] = file["outcomes/example"]


def cycle(file):
    file["events/up"] = file["/"]


def deep_json(depth):
    return "{" + '"a":{' * depth + "}" * depth + "}"
