"""`bin/bundle`: joins and minifies the scripts and styles of pages, for processes that start from now on.

Exits with 1 if the sources are broken, with 3 if there is no esbuild: pages then use plain files.
"""

import os
import sys

from lib import assets
from settings import BadSetting, Settings
from stack import ROOT

NO_ESBUILD = 3


def main() -> int:
    try:
        settings = Settings.from_environment(os.environ)
        folder = settings.data / "bundles"
        bundles = assets.build(ROOT / "static", ROOT / "templates", folder, ROOT / "node_modules")
    except assets.Unavailable as error:
        print(f"{error} Pages go on with plain files.", file=sys.stderr)
        return NO_ESBUILD
    except (BadSetting, assets.Broken) as error:
        print(error, file=sys.stderr)
        return 1
    size = sum((folder / "files" / name).stat().st_size for name in bundles.files)
    print(f"{len(bundles.files)} files of {size:,} bytes in {folder}, for processes that start from now on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
