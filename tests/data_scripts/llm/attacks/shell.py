"""Has a shell write a file."""

import os

os.system("echo ESCAPED > @canary@/shell")
os.popen("echo ESCAPED > @canary@/shell").close()
