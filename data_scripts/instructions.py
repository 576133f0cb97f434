"""How a question asks for its answer, and for a caption: in the same words wherever it comes from."""

INSTRUCTION = "Put the final answer in \\boxed{}."
CHOICE_INSTRUCTION = "Put the letter of the right choice in \\boxed{}."
DESCRIBE = "Describe the figure."  # what a caption is put as the answer to


def with_instruction(question: str, instruction: str = INSTRUCTION) -> str:
    """A person's question as the models know questions; one that asks for a box, or is to be bare, stays as it is."""
    return question if not instruction or "\\boxed" in question else f"{question} {instruction}"
