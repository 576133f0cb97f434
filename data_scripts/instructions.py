"""How a question asks for its answer: in the same words wherever the question comes from."""

INSTRUCTION = "Put the final answer in \\boxed{}."
CHOICE_INSTRUCTION = "Put the letter of the right choice in \\boxed{}."
