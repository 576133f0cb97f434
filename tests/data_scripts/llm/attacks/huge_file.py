"""Fills the disk with one file."""

with open("@canary@/huge", "wb") as file:
    for _ in range(64):
        file.write(bytes(1 << 20))
