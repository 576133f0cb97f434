"""How every command of the project ends: with its result, with one line saying what was wrong, or interrupted.

A command is a function `main()` without arguments. What the user can put right (a wrong argument, a missing file) is
raised as ValueError or FileNotFoundError and shown as one line; any other exception is a defect of ours and keeps its
traceback.
"""

import sys
from collections.abc import Callable

USER_ERROR = 2  # the exit status argparse uses for wrong arguments
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def require_at_least(arguments: object, **least: int) -> None:
    """Refuse numbers that are too small, by the names under which the user gave them.

    Raises:
        ValueError: naming the first that is below its least value.
    """
    for name, low in least.items():
        if getattr(arguments, name) < low:
            raise ValueError(f"--{name} must be at least {low}, not {getattr(arguments, name)}")


def run_command(main: Callable[[], None]) -> None:
    """Run `main()` and turn what it raises into an exit status that scripts can test.

    Raises:
        SystemExit: status 2 after a ValueError or FileNotFoundError, 130 after Ctrl-C. A run that succeeds returns.
    """
    try:
        main()
    except (ValueError, FileNotFoundError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(USER_ERROR) from None
    except KeyboardInterrupt:
        print("interrupted; finished parts are kept", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
