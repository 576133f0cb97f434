"""Towers that a training leaves as they are.

A tower is frozen with its projection. It is also held in evaluation mode, so that it gives an image or text one
embedding: where nothing is learned, dropout would only blur what the other tower learns from.
"""

from torch import nn

from modeling_mmgeo import MMCLIPModel

# The modules of each tower in a backbone, as far as it has them, by what the tower embeds.
TOWERS = {"image": ("vision_model", "visual_projection"), "text": ("text_model", "text_projection")}


def freeze(model: MMCLIPModel, vision: bool, text: bool, logit_bias: bool = True) -> dict[str, list[nn.Module]]:
    """Exclude parts of a dual encoder from training.

    Args:
        model: changed in place.
        vision: freeze the vision tower and its projection.
        text: freeze the text tower and its projection.
        logit_bias: freeze the bias of the scores, which no softmax depends on.

    Returns:
        The modules of each frozen tower: those of the vision tower as "image", those of the text tower as "text".
    """
    backbone = model.backbone
    frozen = {
        kind: [getattr(backbone, name) for name in names if hasattr(backbone, name)]
        for (kind, names), chosen in zip(TOWERS.items(), (vision, text), strict=True)
        if chosen
    }
    for part in (part for parts in frozen.values() for part in parts):
        part.requires_grad_(False).eval()
    if logit_bias and getattr(backbone, "logit_bias", None) is not None:
        backbone.logit_bias.requires_grad_(False)
    return frozen
