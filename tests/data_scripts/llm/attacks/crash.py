"""Crashes the interpreter: by a null pointer."""

import ctypes

ctypes.string_at(0)
