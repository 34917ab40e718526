"""`assay`: prepares images, runs them in anybody's VMM, and judges what they report."""

import sys
from pathlib import Path

# In the sources; in the zip all is one.
sys.path.append(str(Path(__file__).resolve().parent.parent))

import cli  # noqa: E402

sys.exit(cli.main())
