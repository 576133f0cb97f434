"""The models behind the page, loaded once.

Promise: a model that is not named is not there, and one that cannot be loaded ends the start with a sentence.
"""

from transformers import AutoModel

from evaluation.encoding import DualEncoder, check_dual_encoder
from evaluation.loading import load_model, load_processor, pick_device
from evaluation.page.layout import Models


def load_models(mmclip: str | None, mmgeolm: str | None) -> Models:
    """What the page can ask.

    Args:
        mmclip: folder or Hub id of a dual encoder.
        mmgeolm: folder or Hub id of an LMM.

    Raises:
        ValueError: if a model cannot be loaded or is of another kind.
    """
    encoder = None
    if mmclip:
        model = load_model(AutoModel, mmclip, trust_remote_code=False)
        check_dual_encoder(model, mmclip)
        encoder = DualEncoder(model.to(pick_device()).eval(), load_processor(mmclip, False), mmclip)
    return Models(encoder)
