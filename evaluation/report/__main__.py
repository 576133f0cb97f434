"""Writes the report: see command.py."""

from data_scripts.cli import run_command
from evaluation.report.command import main

if __name__ == "__main__":
    run_command(main)
