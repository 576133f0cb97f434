"""What the models are worth: Hit@1 over candidate sets, answer accuracy with keyless grading, and a load-back check.

The package itself imports nothing, so the grader can be used without torch.
"""
