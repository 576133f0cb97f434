"""Sleeps for an hour, using no processor time."""

import time

time.sleep(3600)
