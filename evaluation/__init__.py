"""What the models are worth: Hit@1, the hard-negative exam, robustness, graded answers, a load-back check, the report.

The package itself imports nothing, so the grader can be used without torch.
"""
