"""A worker on a kernel without Landlock and namespaces: only what is required is left."""

from data_scripts.llm.sandbox_worker import locks, worker

if __name__ == "__main__":
    locks._landlock = locks._namespaces = lambda: None
    worker.main()
