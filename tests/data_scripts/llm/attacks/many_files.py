"""Fills the disk with 5,000 files."""

for number in range(5000):
    open(f"@canary@/{number}", "w").close()
