"""A network that hears a frame, remembers what was before, and says how likely there is a voice in it."""

from __future__ import annotations

import torch
from torch import nn

from scripts.voices.sounds import FRAME

BANDS = 64
STATE = 32


class VoiceDetector(nn.Module):  # type: ignore[misc]  # torch is not followed
    """audio float32 [N, 256] and state [N, 32] -> the probability of a voice [N, 1], and the state for the next frame.

    The state is a gated recurrent unit's (K. Cho et al., EMNLP 2014), of what filters make of the frame.
    """

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Linear(FRAME, BANDS, bias=False)
        self.heard = nn.Linear(BANDS, STATE)
        self.gates = nn.Linear(2 * STATE, 2 * STATE)
        self.new = nn.Linear(2 * STATE, STATE)
        self.said = nn.Linear(STATE, 1)

    def forward(self, audio: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One frame."""
        heard = torch.relu(self.heard(self.filters(audio).abs()))
        keep, reset = torch.sigmoid(self.gates(torch.cat([heard, state], 1))).chunk(2, dim=1)
        new = torch.tanh(self.new(torch.cat([heard, reset * state], 1)))
        state = new + keep * (state - new)
        return torch.sigmoid(self.said(state)), state
