"""The SPDX 2.3 list of a release, to the standard output: `spdx.py VERSION COMMIT FOLDER`."""

import hashlib
import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path


def package(name, version, licence, reference):
    return {"SPDXID": f"SPDXRef-{reference}", "name": name, "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": licence, "licenseDeclared": licence,
            "copyrightText": "NOASSERTION"}


def main():
    version, commit, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    files = sorted(p for p in folder.iterdir() if p.is_file())
    created = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    digests = {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    whole = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
    print(json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"assay-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/assay-{version}-{whole[:16]}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: assay-spdx.py"]},
        "packages": [package("assay", f"{version}+{commit}", "MIT", "assay"),
                     package("gnu-efi", "NOASSERTION", "BSD-2-Clause", "gnu-efi"),
                     package("qrcodegen", "NOASSERTION", "MIT", "qrcodegen")],
        "files": [{"SPDXID": f"SPDXRef-file-{i}", "fileName": f"./{p.name}",
                   "checksums": [{"algorithm": "SHA256", "checksumValue": digests[p]}],
                   "licenseConcluded": "MIT", "copyrightText": "NOASSERTION"}
                  for i, p in enumerate(files)],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
             "relatedSpdxElement": "SPDXRef-assay"},
            {"spdxElementId": "SPDXRef-assay", "relationshipType": "DEPENDS_ON",
             "relatedSpdxElement": "SPDXRef-gnu-efi"},
            {"spdxElementId": "SPDXRef-assay", "relationshipType": "STATIC_LINK",
             "relatedSpdxElement": "SPDXRef-qrcodegen"},
            *({"spdxElementId": "SPDXRef-assay", "relationshipType": "GENERATES",
               "relatedSpdxElement": f"SPDXRef-file-{i}"} for i in range(len(files)))],
    }, indent=1))


if __name__ == "__main__":
    main()
