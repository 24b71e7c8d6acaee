"""MP4 films, made by the program ffmpeg where the machine has it."""

from __future__ import annotations

import contextlib
import math
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.figures.options import FigureError

# The first of them that the machine's ffmpeg has; every player knows what they write.
CODECS = {
    "libx264": ("-preset", "medium", "-crf", "16"),
    "libopenh264": ("-b:v", "4M"),
    "mpeg4": ("-q:v", "2"),
}
# Films of fewer frames a second are shown jerkily, or not at all, by some players.
_LEAST_RATE = 10


def find_ffmpeg() -> str:
    """Where ffmpeg is.

    Raises:
        FigureError: it is not there.
    """
    found = shutil.which("ffmpeg")
    if found is None:
        raise FigureError(
            "MP4 needs the program ffmpeg, which was not found on this machine; install it "
            "(for example apt install ffmpeg), or save a GIF, which needs nothing else"
        )
    return found


class Mp4Writer:
    """Hands frames to ffmpeg.

    Args:
        size: width and height of every frame, px; both even.
        fps: frames a second.
        hold: seconds that the last frame stays for after its turn.
        title: what the film is called.
        comment: what it says of itself.

    Raises:
        FigureError: ffmpeg is missing, or knows none of the codecs.
    """

    def __init__(
        self, size: tuple[int, int], fps: float, hold: float, title: str, comment: str
    ) -> None:
        program = find_ffmpeg()
        codec = _codec(program)
        self._repeats = math.ceil(_LEAST_RATE / fps)
        self._held = round(hold * fps * self._repeats)
        self._last: bytes = b""
        self._folder = tempfile.TemporaryDirectory(prefix="hardattn-film-")
        self._path = Path(self._folder.name) / "film.mp4"
        self._words = Path(self._folder.name) / "words.txt"
        rate = f"{fps * self._repeats:.6g}"
        command = [
            *(program, "-hide_banner", "-nostdin", "-loglevel", "error", "-y"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}"),
            *("-framerate", rate, "-i", "pipe:0", "-an", "-c:v", codec, *CODECS[codec]),
            # Players take films without a word on their colours for one or the other standard.
            *("-vf", "scale=out_color_matrix=bt709:out_range=tv", "-color_range", "tv"),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
            # One thread and no dates: the same film gives the same bytes.
            *("-threads", "1", "-pix_fmt", "yuv420p", "-movflags", "+faststart"),
            *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"),
            *("-metadata", f"title={_line(title)}", "-metadata", f"comment={_line(comment)}"),
            str(self._path),
        ]
        with self._words.open("wb") as words:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words
            )

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Take the next frame, uint8 [height, width, 3]."""
        self._last = np.ascontiguousarray(frame).tobytes()
        self._write(self._repeats)

    def finish(self) -> bytes:
        """The film.

        Raises:
            FigureError: ffmpeg failed; the error has its last words.
        """
        self._write(self._held)
        stream = self._process.stdin
        assert stream is not None
        try:
            stream.close()
        except BrokenPipeError:
            self._fail()
        if self._process.wait() or not self._path.is_file():
            self._fail()
        return self._path.read_bytes()

    def close(self) -> None:
        """End ffmpeg where it still runs, and take away what it wrote."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._folder.cleanup()

    def _write(self, times: int) -> None:
        stream = self._process.stdin
        assert stream is not None
        try:
            for _ in range(times):
                stream.write(self._last)
        except BrokenPipeError:
            self._fail()

    def _fail(self) -> None:
        self._process.wait()
        lines = self._words.read_text("utf-8", "replace").strip().splitlines()
        words = lines[-1] if lines else f"it ended with {self._process.returncode}"
        raise FigureError(f"ffmpeg could not write the film: {words}; save a GIF instead")


def _codec(program: str) -> str:
    listed = subprocess.run(
        [program, "-hide_banner", "-encoders"], capture_output=True, text=True, check=False
    ).stdout.split()
    for codec in CODECS:
        if codec in listed:
            return codec
    known = ", ".join(CODECS)
    raise FigureError(f"{program} can write none of {known}; install a full ffmpeg, or save a GIF")


def _line(text: str) -> str:
    """Text for ffmpeg's command line: one line, without what ends an argument early."""
    return " ".join(text.replace("\0", " ").split())
