"""Run zero-shot networks, which are trained on the noisy image alone, as their papers describe.

ZS-N2N: Mansour and Heckel, *Zero-shot Noise2Noise*, CVPR 2023. Noise2Fast: Lequyer et al., *A fast
blind zero-shot denoiser*, Nature Machine Intelligence 4, 953-963 (2022). Both are written from the
papers, not from the code of their authors. Where the processor has bfloat16, convolutions use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from cases import Case, Pixels

PUBLISHED_STEPS = 2000
"""Steps of ZS-N2N as published."""

PATIENCE = 100
"""Epochs without a better validation after which Noise2Fast stops; it averages their outputs."""

EPOCHS = 1500
"""Maximum number of epochs of Noise2Fast, so that no image takes for ever."""


def zero_shot_noise2noise(case: Case, steps: int = PUBLISHED_STEPS) -> Pixels:
    """Run ZS-N2N on two images of diagonal means, with Adam."""
    y, low, span = normalised(case)
    count = y.shape[1]
    torch.manual_seed(case.settings.seed)
    network = nn.Sequential(
        nn.Conv2d(count, 48, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(48, 48, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(48, count, 1),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    diagonals = torch.tensor([[[[0, 0.5], [0.5, 0]]], [[[0.5, 0], [0, 0.5]]]])

    def noise(x: Tensor) -> Tensor:
        with low_precision():
            return network(x).float()

    def halves(x: Tensor) -> list[Tensor]:
        return [
            functional.conv2d(x, one[None].repeat(count, 1, 1, 1), stride=2, groups=count)
            for one in diagonals
        ]

    one, two = halves(y)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, max(steps // 2, 1), 0.5)
    for _ in range(steps):
        first, second = one - noise(one), two - noise(two)
        whole = halves(y - noise(y))
        loss = (
            functional.mse_loss(first, two) + functional.mse_loss(second, one)
            + functional.mse_loss(first, whole[0]) + functional.mse_loss(second, whole[1])
        ) / 2  # fmt: skip
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        denoised = (y - noise(y)).clamp(0, 1)[0].movedim(0, -1).numpy()
    return (denoised * span + low).reshape(case.observed.shape)


def noise2fast(case: Case) -> Pixels:
    """Run Noise2Fast, on each channel by itself.

    A step trains one half of the image to predict the other; an epoch has a step for each of the
    four ordered pairs. The validation is the squared error between the noisy image and the output
    for the whole image.
    """
    y, low, span = normalised(case)
    denoised = [noise2fast_plane(plane[None, None], case.settings.seed) for plane in y[0]]
    return (np.stack(denoised, axis=-1) * span + low).reshape(case.observed.shape)


def noise2fast_plane(y: Tensor, seed: int) -> Pixels:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for count in (1, *[64] * 7):
        layers += [nn.Conv2d(count, 64, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(64, 1, 1)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    pairs = chequerboard_pairs(y)
    best, best_epoch, outputs = float("inf"), 0, []
    for epoch in range(EPOCHS):
        for number in torch.randperm(len(pairs)):
            source, target = pairs[number]
            with low_precision():
                logits = network(source)
            loss = functional.binary_cross_entropy_with_logits(logits.float(), target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad(), low_precision():
            output = network(y).float().sigmoid()
        outputs = [*outputs[1 - PATIENCE :], output]
        error = float(functional.mse_loss(output, y))
        if error < best:
            best, best_epoch = error, epoch
        elif epoch - best_epoch >= PATIENCE:
            break
    return torch.stack(outputs).mean(0)[0, 0].numpy()


def chequerboard_pairs(y: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Split an image into the two colours of a chequerboard, pushed together along X or along Y.

    Returns the ordered pairs of halves. An odd last row or column is left out.
    """
    even = y[..., : y.shape[-2] // 2 * 2, : y.shape[-1] // 2 * 2]
    rows, columns = torch.meshgrid(*map(torch.arange, even.shape[-2:]), indexing="ij")
    black = (rows + columns) % 2 == 0
    pairs = []
    for image, mask in ((even, black), (even.mT, black.mT)):
        # Each row has as many black as white pixels.
        halves = [
            image[..., colour].reshape(*image.shape[:-1], image.shape[-1] // 2)
            for colour in (mask, ~mask)
        ]
        if image is not even:
            halves = [half.mT for half in halves]
        first, second = (half.contiguous(memory_format=torch.channels_last) for half in halves)
        pairs += [(first, second), (second, first)]
    return pairs


def normalised(case: Case) -> tuple[Tensor, float, float]:
    """Return the observed image in 0..1 with a channel axis, its minimum and its range."""
    low, span = float(case.observed.min()), float(np.ptp(case.observed))
    planes = case.observed if case.observed.ndim == 3 else case.observed[..., None]
    y = torch.from_numpy(np.ascontiguousarray(planes, np.float32)).movedim(-1, 0)[None]
    return (y - low) / span, low, span


def low_precision() -> torch.autocast:
    """Compute convolutions in bfloat16 on processors that may have instructions for it."""
    capability = torch.backends.cpu.get_cpu_capability()
    return torch.autocast("cpu", torch.bfloat16, enabled=capability not in ("DEFAULT", "AVX2"))
