"""Sizes of the student's networks, and the law of its emission."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt, field_validator

from .frozen import Frozen


class StudentModelConfig(Frozen):
    """Sizes of the networks.

    Attributes:
        hidden: width of the encoder's memory and of the other networks.
        latent: size of z.
        mixture_components: normals that the emission is a mixture of, around one centre; 0 makes it Student-t.
        encoder: "gru", or "parallel": gates see the input alone, so that training needs no loop over bars for the
            memory.
    """

    hidden: PositiveInt = 32
    latent: PositiveInt = 6
    mixture_components: NonNegativeInt = 0
    encoder: Literal["gru", "parallel"] = "gru"

    @field_validator("mixture_components")
    @classmethod
    def _one_normal_is_no_mixture(cls, value: int) -> int:
        if value == 1:
            raise ValueError("must be 0 (Student-t) or at least 2, was 1")
        return value
