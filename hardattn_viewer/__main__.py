"""``python -m hardattn_viewer`` is the ``hardattn`` command."""

import sys

from hardattn_viewer.cli import main

if __name__ == "__main__":
    sys.exit(main())
