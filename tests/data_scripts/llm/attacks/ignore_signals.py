"""Ignores every signal it can, swallows every exception, and goes on for ever."""

import signal

for number in signal.valid_signals():
    try:
        signal.signal(number, lambda *_: None)
    except (OSError, ValueError):
        continue
while True:
    try:
        while True:
            pass
    except BaseException:
        continue
