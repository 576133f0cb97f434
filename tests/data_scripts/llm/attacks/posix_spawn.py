"""Starts a program through posix_spawn."""

import os

pid = os.posix_spawn("/bin/sh", ["sh", "-c", "echo ESCAPED > @canary@/spawned"], {})
os.waitpid(pid, 0)
