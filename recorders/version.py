"""The version of hardattn, once: the package's metadata, runs and figures take it from here."""

VERSION = "0.1.0"
PRODUCER = f"hardattn {VERSION}"
