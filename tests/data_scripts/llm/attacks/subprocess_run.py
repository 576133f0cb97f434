"""Starts a program that reads the token file."""

import subprocess

raise SystemExit("LOOT " + subprocess.run(["cat", "@secret@"], capture_output=True, text=True).stdout)
