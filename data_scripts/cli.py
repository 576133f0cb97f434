"""How every command of the project ends: with its result, with one line saying what was wrong, or interrupted.

A command is a function `main()` without arguments. What the user can put right (a wrong argument, a missing file) is
raised as ValueError or FileNotFoundError and shown as one line, as are a full disk and a place that cannot be written
or read; any other exception is a defect of ours and keeps its traceback.
"""

import errno
import sys
from collections.abc import Callable
from typing import NoReturn

USER_ERROR = 2  # the exit status argparse uses for wrong arguments
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
WRONG_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def require_at_least(arguments: object, **least: int) -> None:
    """Refuse numbers that are too small, by the names under which the user gave them.

    Raises:
        ValueError: naming the first that is below its least value.
    """
    for name, low in least.items():
        if getattr(arguments, name) < low:
            raise ValueError(f"--{name} must be at least {low}, not {getattr(arguments, name)}")


def _refuse(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(USER_ERROR) from None


def run_command(main: Callable[[], None]) -> None:
    """Run `main()` and turn what it raises into an exit status that scripts can test.

    Raises:
        SystemExit: status 2 after a ValueError, a FileNotFoundError, a full disk or a path that cannot be used,
            130 after Ctrl-C. A run that succeeds returns.
    """
    try:
        main()
    except (ValueError, FileNotFoundError) as error:
        _refuse(" ".join(str(error).split()) or type(error).__name__)
    except OSError as error:
        if error.errno in WRONG_PLACE and error.filename:
            _refuse(f"{error}: name another place, or one that may be written and read")
        if error.errno not in DISK_FULL:
            raise
        where = f" for {error.filename}" if error.filename else ""
        _refuse(f"no space left{where}: free some and run the same command again; finished parts are kept")
    except KeyboardInterrupt:
        print("interrupted; finished parts are kept", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
