"""How rows are made: figures as programs, negatives with proof, and the commands that write them as parquet.

- `diagram` draws a figure, knows its facts and says them; `sources` gives figures, captions and questions.
- `negatives` edits figures and captions and proves the edits false; `phrases` reads the captions of others.
- `questions` asks about our own figures, `perception` about any; `llm` has scripts written and runs them locked up.
- `build_hard_negatives`, `build_with_llm`, `build_alignment` and `build_sft` are the commands; `rows` and
  `caption_rows` make a row; `shards`, `executors` and `assemble` make data sets of rows; `decontaminate` removes rows
  that test sets also hold.

README.md shows the commands and the columns.
"""
