"""Builds the exam: see build.py."""

from data_scripts.cli import run_command
from evaluation.hard_negative_exam.build import main

if __name__ == "__main__":
    run_command(main)
