"""Unpickles an object whose loading runs a command."""

import os
import pickle


class Gadget:
    def __reduce__(self):
        return os.system, ("echo ESCAPED > @canary@/pickle",)


pickle.loads(pickle.dumps(Gadget()))
raise SystemExit(f"the shell returned {os.system('true')}")
