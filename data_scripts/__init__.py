"""How rows are made: figures as programs, negatives with proof, and the commands that write them as parquet."""
