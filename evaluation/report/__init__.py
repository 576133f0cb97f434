"""One page, and Markdown, of everything that was measured: see command.py."""

from evaluation.report.command import main, write_report

__all__ = ["main", "write_report"]
