#!/usr/bin/env python3
"""Start, test and administer the backend: python3 manage.py up."""

import sys

# Checked before any other import, in syntax every Python 3 (and 2.7) can parse.
if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts it may have an older one
    sys.stderr.write(
        "Python 3.11 or newer is needed; this is Python %d.%d (%s).\n"  # noqa: UP031 - old syntax on purpose
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(1)
if sys.platform == "win32":
    sys.stderr.write("Linux or macOS is needed; on Windows use the Linux subsystem (WSL 2).\n")
    sys.exit(1)

if __name__ == "__main__":
    from appwrite_clone import bootstrap

    sys.exit(bootstrap.main(sys.argv[1:]))
