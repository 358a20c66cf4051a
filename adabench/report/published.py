"""Tables 1 and 2 of the AdaFix paper as data.

Source: Bae, Ryu and Shin 2019, "Does Adam optimizer keep close to the optimal point?",
arXiv 1911.00289. The paper does not say what its ± is; it is read as the sample standard deviation
over the five seeds.
"""

from dataclasses import dataclass

from adabench.compare.statistics import Estimate

SOURCE = 'Bae, Ryu and Shin 2019, "Does Adam optimizer keep close to the optimal point?", arXiv 1911.00289'
SEEDS = 5
EPOCHS = 300
BATCH_SIZE = 128

DATASET_TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
METHODS = {"sgdm": "SGDM", "adam": "Adam", "amsgrad": "AMSGrad", "adabound": "AdaBound", "adafix": "AdaFix"}
"""The paper's rows, in its order: the catalogue's name and the paper's."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: a model on a data set, and test accuracies in per cent by optimizer."""

    table: int
    title: str
    model: str
    dataset: str
    augment: str
    accuracies: dict[str, Estimate]


def _column(
    table: int, title: str, model: str, dataset: str, augment: str, *cells: tuple[float, float]
) -> Column:
    estimates = (Estimate(n=SEEDS, mean=mean, deviation=spread, interval=None) for mean, spread in cells)
    return Column(
        table=table,
        title=title,
        model=model,
        dataset=dataset,
        augment=augment,
        accuracies=dict(zip(METHODS, estimates, strict=True)),
    )


# The cells of a column are mean and deviation of SGDM, Adam, AMSGrad, AdaBound, AdaFix.
COLUMNS = (
    _column(
        *(1, "Two-layered MLP", "mlp", "mnist", "none"),
        *((98.72, 0.02), (98.70, 0.03), (98.72, 0.07), (98.58, 0.03), (98.75, 0.02)),
    ),
    _column(
        *(2, "VGG11 without augmentation", "vgg11", "cifar10", "none"),
        *((84.66, 0.28), (84.82, 0.18), (85.91, 0.16), (83.23, 0.21), (85.91, 0.18)),
    ),
    _column(
        *(2, "ResNet34 without augmentation", "resnet34", "cifar10", "none"),
        *((87.81, 0.20), (87.78, 0.09), (88.06, 0.14), (85.49, 0.18), (88.08, 0.19)),
    ),
    _column(
        *(2, "DenseNet53 without augmentation", "densenet53", "cifar10", "none"),
        *((89.46, 0.03), (90.07, 0.04), (90.00, 0.17), (86.53, 0.25), (90.25, 0.19)),
    ),
    _column(
        *(2, "ResNet34 with augmentation", "resnet34", "cifar10", "crop_flip"),
        *((93.55, 0.15), (93.32, 0.09), (93.38, 0.13), (91.56, 0.11), (93.42, 0.18)),
    ),
    _column(
        *(2, "DenseNet53 with augmentation", "densenet53", "cifar10", "crop_flip"),
        *((93.62, 0.13), (93.47, 0.05), (93.46, 0.11), (91.63, 0.05), (93.51, 0.17)),
    ),
)
