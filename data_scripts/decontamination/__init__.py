"""Finding rows that a test set also holds: by the meaning of their text, by the look of their figure.

`items` reads texts and images from whatever holds them, `image_hash` makes line drawings comparable after rescaling
and recompression, `overlap` compares rows with test sets in blocks, `pair_sheet` shows what was found.
"""
