"""A process that inspects files, and finds no end of it."""

import io
import time

from recorders.run import inspection


def main() -> None:
    honest = inspection.survey

    def survey(source: object) -> object:
        if not isinstance(source, io.BytesIO):
            time.sleep(100)
        return honest(source)  # type: ignore[arg-type]

    inspection.survey = survey  # type: ignore[assignment]
    inspection.main()
