"""What the app remembers between two starts, with a version so that old values can be moved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QByteArray, QSettings

from hardattn_viewer.session.beside import SitePairs
from hardattn_viewer.session.state import ThemeChoice
from recorders.run.address import Address, address_of
from recorders.run.errors import RunError

VERSION = 1
RECENT = 10
PAIRS = 200
PAST = 30


class Store(Protocol):
    """Where settings are kept, in the words of QSettings."""

    def value(self, key: str, /) -> object:
        """The value of a key, or None."""

    def setValue(self, key: str, value: Any, /) -> None:
        """Keep a value."""

    def sync(self) -> None:
        """Write everything to disk."""


class Unkept:
    """Settings that end with the process, for pictures and tests."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}

    def value(self, key: str) -> object:
        """The value of a key, or None."""
        return self._values.get(key)

    def setValue(self, key: str, value: Any) -> None:
        """Keep a value in memory."""
        self._values[key] = value

    def sync(self) -> None:
        """Nothing is written."""


class Settings:
    """Typed access to the stored settings.

    Args:
        store: where they are kept; by default the user's own settings of hardattn.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._store: Store = store if store is not None else QSettings("hardattn", "hardattn")
        self._migrate()

    @property
    def first_start(self) -> bool:
        """Whether the app has never been closed in an orderly way on this account."""
        return self._store.value("window/geometry") is None

    @property
    def theme(self) -> ThemeChoice:
        """The chosen theme."""
        value = str(self._store.value("theme"))
        return "dark" if value == "dark" else "light" if value == "light" else "system"

    @theme.setter
    def theme(self, choice: ThemeChoice) -> None:
        self._store.setValue("theme", choice)

    @property
    def restore_session(self) -> bool:
        """Whether the last session is shown when the app is started without a run."""
        return str(self._store.value("session/restore")).lower() == "true"

    @restore_session.setter
    def restore_session(self, restore: bool) -> None:
        self._store.setValue("session/restore", restore)

    @property
    def recent(self) -> list[Address]:
        """Runs that were opened lately, newest first."""
        value = self._store.value("recent")
        # A list of one text comes back from a file as that text.
        texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [address for text in texts if (address := _address(str(text))) is not None]

    def remember(self, path: Address) -> None:
        """Put a run at the front of the recent ones; of a URL what is secret is not kept."""
        others = [text for known in self.recent if (text := str(known)) != str(path)]
        self._store.setValue("recent", [str(path), *others][:RECENT])

    @property
    def tracks(self) -> tuple[str, ...] | None:
        """The tracks of the timeline that were picked; None where none ever were."""
        value = self._store.value("timeline/tracks")
        return tuple(value.split("\n")) if isinstance(value, str) and value else None

    @tracks.setter
    def tracks(self, names: tuple[str, ...]) -> None:
        self._store.setValue("timeline/tracks", "\n".join(names))

    @property
    def folded(self) -> frozenset[str]:
        """The parts of the inspector that are folded away, by name."""
        return frozenset(str(self._store.value("inspector/folded") or "").split())

    def keep_folded(self, names: frozenset[str]) -> None:
        """Remember which parts of the inspector are folded away."""
        self._store.setValue("inspector/folded", " ".join(sorted(names)))

    @property
    def told(self) -> frozenset[str]:
        """Names of the samples whose story was closed."""
        return frozenset(str(self._store.value("samples/told") or "").split())

    @told.setter
    def told(self, names: frozenset[str]) -> None:
        self._store.setValue("samples/told", " ".join(sorted(names)))

    @property
    def tour_offered(self) -> bool:
        """Whether the tour was offered or taken on this account."""
        return str(self._store.value("tour/offered")).lower() == "true"

    @tour_offered.setter
    def tour_offered(self, offered: bool) -> None:
        self._store.setValue("tour/offered", offered)

    def past(self, kind: str) -> list[str]:
        """Expressions of a kind (``filter``, ``find``) that were used before, latest first."""
        value = self._store.value(f"expressions/{kind}")
        texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [str(text) for text in texts if text][:PAST]

    def keep_past(self, kind: str, text: str) -> None:
        """Put an expression at the front of those that were used before."""
        others = [known for known in self.past(kind) if known != text]
        self._store.setValue(f"expressions/{kind}", [text, *others][:PAST])

    def forget_recent(self) -> None:
        """Forget which runs were opened."""
        self._store.setValue("recent", [])

    @property
    def site_pairs(self) -> SitePairs:
        """Sites of A and B that were said to belong together."""
        try:
            found = json.loads(str(self._store.value("compare/sites") or "[]"))
            return tuple((str(a), str(b)) for a, b in found)
        except (ValueError, TypeError):
            # Somebody else wrote into the settings; what is not understood is not remembered.
            return ()

    @site_pairs.setter
    def site_pairs(self, pairs: SitePairs) -> None:
        self._store.setValue("compare/sites", json.dumps(pairs[-PAIRS:]))

    @property
    def folder(self) -> str:
        """The folder that file dialogs start in."""
        recent = [path for path in self.recent if isinstance(path, Path)]
        return str(recent[0].parent) if recent else ""

    @property
    def geometry(self) -> QByteArray:
        """The window's place and size; empty before the first close."""
        return self._bytes("window/geometry")

    @property
    def docks(self) -> QByteArray:
        """Where the docks are; empty before the first close."""
        return self._bytes("window/docks")

    def keep_window(self, geometry: QByteArray, docks: QByteArray) -> None:
        """Remember the window and its docks."""
        self._store.setValue("window/geometry", geometry)
        self._store.setValue("window/docks", docks)

    def sync(self) -> None:
        """Write everything to disk now."""
        self._store.sync()

    def _bytes(self, key: str) -> QByteArray:
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def _migrate(self) -> None:
        """Bring settings of an earlier version up to this one, one version at a time."""
        stored = self._store.value("version")
        found = int(stored) if isinstance(stored, int | str) and str(stored).isdigit() else VERSION
        if found > VERSION:
            # Settings of a newer hardattn: read what is understood, and keep its number.
            return
        for version in range(found, VERSION):
            MIGRATIONS[version](self._store)
        self._store.setValue("version", VERSION)


def _address(text: str) -> Address | None:
    try:
        return address_of(text) if text else None
    except RunError:
        # A newer hardattn may know more kinds of URL; this one cannot open them.
        return None


# From each version to the next one.
MIGRATIONS: dict[int, Callable[[Store], None]] = {}
