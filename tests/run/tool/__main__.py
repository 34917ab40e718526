"""`assay`: prepares images, runs them in anybody's VMM, and judges what they report."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))  # in the sources; in the zip all is one

import cli  # noqa: E402

sys.exit(cli.main())
