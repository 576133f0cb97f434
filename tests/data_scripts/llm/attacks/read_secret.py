"""Reads a token file that every user may read, and hands it out in an error message."""

with open("@secret@") as file:
    raise SystemExit("LOOT " + file.read())
