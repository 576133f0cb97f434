"""A worker whose filter has no effect, and which believes that all is well."""

from data_scripts.llm.sandbox_worker import locks, seccomp, worker

if __name__ == "__main__":
    seccomp.install = lambda program: None
    locks._landlock = locks._namespaces = lambda: None
    worker.main()
