"""A model of text -> a PyTorch module that takes its tokens and returns an embedding.

    of_text(model, "mean", ("input_ids", "attention_mask"), normalize=True)(ids, mask)      # [N, C]

Tokens that fill a text up are kept from the others by what is added to the scores of attention: 0, and -32 for a token
that does not count. transformers' own mask reaches down to -3.4e38, which leaves no step of 8 or 16 bits for the
scores, and makes bool tensors, which NPUs do not have. What is 32 below the largest score of its row weighs e^-32,
1e-14, which float32 loses when the row is summed.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError

if TYPE_CHECKING:
    import torch

_REACH = 32.0


def text_class(config: Any, features: str) -> tuple[Any, Any]:
    """The class for a model of text of ``config``, and the config that it takes: of two towers, the one for text.

    Raises:
        StepError: If transformers has none.
    """
    import transformers

    wanted = getattr(config, "text_config", None) or config
    name = type(wanted).__name__.removesuffix("Config")
    mapped = transformers.AutoModel._model_mapping.get(type(wanted), None)
    names = [*([f"{name}ModelWithProjection"] if features == "pooled" else []), f"{name}Model"]
    classes = [
        *(getattr(transformers, each, None) for each in names),
        mapped[0] if isinstance(mapped, tuple) else mapped,
    ]
    for model in classes:
        parameters = inspect.signature(model.forward).parameters if model is not None else {}
        if "input_ids" in parameters and not {"pixel_values", "decoder_input_ids"} & parameters.keys():
            return model, wanted
    raise StepError(
        f"a {config.model_type} model is no encoder of text",
        field="model.task",
        remedy="choose a model.source that gives embeddings of text: of BERT's kind, CLIP or SigLIP",
    )


def text_answer(output: Any, features: str, mask: Any) -> Any:
    """The embedding of a text in a model's answer, [N, C].

    Args:
        output: What the model gives.
        features: ``cls`` for the first token, ``mean`` over the tokens that ``mask`` does not leave out, or ``pooled``.
        mask: [N, tokens], 1 where a token counts; ``None`` if all do.

    Raises:
        StepError: If the model has no such features.
    """
    if features == "pooled":
        pooled = getattr(output, "text_embeds", None)
        pooled = getattr(output, "pooler_output", None) if pooled is None else pooled
        if pooled is None:
            raise StepError("this model has none that are pooled", field="model.features", remedy="say cls or mean")
        return pooled
    tokens = output.last_hidden_state
    if features == "cls":
        return tokens[:, 0]
    if mask is None:
        return tokens.mean(1)
    weights = mask.unsqueeze(-1).to(tokens.dtype)
    return (tokens * weights).sum(1) / weights.sum(1).clamp(min=1)


def default_text_features(config: Any) -> str:
    """``pooled`` for the text tower of a model of images and text, else ``mean``."""
    tower = getattr(config, "text_config", None) is not None or config.model_type.endswith("_text_model")
    return "pooled" if tower else "mean"


def of_text(model: Any, features: str, names: Sequence[str], *, normalize: bool) -> torch.nn.Module:
    """The model behind one positional argument for each of ``names``, int32 [N, tokens], and one output, [N, C].

    Args:
        model: Of transformers, in eval mode.
        features: As of ``text_answer``.
        names: What of a tokenizer's answer it is fed.
        normalize: Bring embeddings to length 1 (L2).

    Raises:
        StepError: If the model does not take one of ``names``, or what it is fed cannot change what it gives.
    """
    import torch

    parameters = inspect.signature(model.forward).parameters
    if alien := [name for name in names if name not in parameters]:
        left = ", ".join(name for name in names if name in parameters)
        raise StepError(f"the model takes no {alien[0]}", field="inputs", remedy=f"names: [{left}]")
    model.eval()
    masked = "attention_mask" in names
    sees_ahead = not masked or not _is_causal(model)
    if not sees_ahead and features != "mean":
        raise StepError(
            "attention_mask changes nothing: this model looks at no token behind, and a text is filled up at its end",
            field="inputs",
            remedy=f"names: [{', '.join(name for name in names if name != 'attention_mask')}]",
        )
    adds = masked and sees_ahead and _takes_bias(model)

    class OneEmbedding(torch.nn.Module):  # type: ignore[misc]  # mypy takes torch for Any, as it is not followed
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *ids: torch.Tensor) -> Any:
            fed = dict(zip(names, ids, strict=True))
            mask = fed.pop("attention_mask", None)
            if mask is not None and sees_ahead:
                fed["attention_mask"] = _bias(mask) if adds else mask
            embedding = text_answer(self.model(**fed), features, mask)
            if not normalize:
                return embedding
            # As torch.nn.functional.normalize, whose ReduceL2 no converter takes below opset 18.
            return embedding / embedding.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-12)

    return OneEmbedding().eval()


def _bias(mask: torch.Tensor) -> torch.Tensor:
    """What is added to the scores, float32 [N, 1, tokens, tokens], from a mask int32 [N, tokens]."""
    length = mask.shape[1]
    return ((mask.float() - 1) * _REACH)[:, None, None, :].expand(-1, 1, length, length)


def _is_causal(model: Any) -> bool:
    """Whether a token looks at none behind it: then the first says the same whatever the last is."""
    import torch

    with torch.no_grad():
        first, second = (model(input_ids=torch.tensor([ids])).last_hidden_state[:, 0] for ids in ([1, 2, 3], [1, 2, 0]))
    return bool(torch.equal(first, second))


def _takes_bias(model: Any) -> bool:
    """Whether the model adds a mask of four axes to its scores as it is, and gives the same with it."""
    import torch

    ids, mask = torch.tensor([[1, 2, 3, 0]]), torch.tensor([[1, 1, 1, 0]])
    with torch.no_grad():
        right = model(input_ids=ids, attention_mask=mask).last_hidden_state[:, :3]
        try:
            got = model(input_ids=ids, attention_mask=_bias(mask)).last_hidden_state[:, :3]
        except (RuntimeError, ValueError, IndexError):  # models that make their own of a mask of two axes
            return False
    return bool(torch.allclose(got, right, rtol=1e-4, atol=1e-4))
