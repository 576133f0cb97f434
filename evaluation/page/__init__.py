"""The page to try mmgeo on: examples from the data engine, captions judged by MMCLIP, questions answered by MMGeoLM.

`layout.py` alone knows Gradio; what is shown is made by `examples.py` and `judging.py`, which know no page.
"""
