"""Random crop and flip of a minibatch: one gather, against torchvision's pipeline picture by picture.

    python bench/augmentation.py [--short]

Minibatches of 128 pictures of 32x32 in colour, from uint8 to normalised floats. torchvision once from
PIL pictures, as its data sets give them, and once from tensors. By turns; medians over rounds with
the lowest and the highest ratio.
"""

import argparse

import torch
from tabulate import tabulate
from timing import interleaved
from torchvision import transforms
from torchvision.transforms.functional import to_pil_image

from adabench.datasets.augment import augmentation
from adabench.engine.device import device_name

BATCH, PICTURES = 128, 2048


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="fewer rounds")
    rounds = 7 if parser.parse_args().short else 15
    data = torch.randint(256, (PICTURES, 3, 32, 32), dtype=torch.uint8)
    pictures = [to_pil_image(picture) for picture in data[:BATCH]]
    mean, std = (0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261)
    changes = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    normalise = transforms.Normalize(mean, std)
    from_pil = transforms.Compose([*changes, transforms.ToTensor(), normalise])
    from_tensor = transforms.Compose([*changes, transforms.ConvertImageDtype(torch.float32), normalise])
    kind, generator = augmentation("crop_flip"), torch.Generator().manual_seed(0)
    source = kind.prepare(data)
    shift, scale = (255 * torch.tensor(mean).view(1, 3, 1, 1), 1 / (255 * torch.tensor(std).view(1, 3, 1, 1)))

    def gathered() -> torch.Tensor:
        rows, draws = torch.randint(PICTURES, (BATCH,)), kind.draw(BATCH, generator)
        return (kind.gather(source, rows, draws).float() - shift).mul_(scale)

    timings = interleaved(
        {
            "one gather": gathered,
            "torchvision, PIL pictures": lambda: torch.stack([from_pil(picture) for picture in pictures]),
            "torchvision, tensors": lambda: torch.stack([from_tensor(picture) for picture in data[:BATCH]]),
        },
        pairs=rounds,
    )
    rows = [[name, f"{1000 * t.seconds:.2f}", f"{t.ratio:.1f}", t.spread] for name, t in timings.items()]
    headers = ["crop, flip, normalise", f"ms for {BATCH}", "x one gather", "lowest to highest"]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    print(
        f"\n{device_name(torch.device('cpu'))}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )


if __name__ == "__main__":
    main()
