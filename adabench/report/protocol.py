"""What the AdaFix paper prescribes, and what this project decided where it is silent."""

PRESCRIBED = (
    "300 epochs, five random seeds, batch 128, on all of the training set; no validation split",
    "adaptive methods: learning rate 0.001, constant; betas 0.9 and 0.999",
    "SGDM: learning rate 0.1, momentum 0.9, divided by 10 at epochs 150 and 250; "
    "at other lengths after 1/2 and 5/6 of the epochs",
    "MNIST: a two-layer MLP with 2048 hidden units and ReLU",
)

DECIDED = (
    "last or best epoch: the paper does not say which it shows, so both are here",
    "the paper's ±: read as the sample standard deviation over its five seeds",
    "weight decay: 0 for every method",
    "epsilon: 1e-8 for every adaptive method",
    "AdaBound: final_lr 0.1 and gamma 0.001, its authors' defaults",
    "augmentation: zero padding of 4 pixels with a random crop, then a random horizontal flip",
    "DenseNet53: 4 blocks of 6 bottlenecks, growth 32 (1 + 2*24 + 3 + 1 = 53 layers)",
    "VGG11 and ResNet34: the usual variants for 32x32 images, with batch normalization",
    "AdaFix divides by the square root of v: Algorithm 1 omits the root, the text and Theorem 3.1 have it",
    "AdaFix fixes v by the largest absolute gradient; Algorithm 1 literally takes the largest signed one",
    "AdaFix compares with L over all parameters at once, each gradient divided by its group's learning rate",
    "AdaFix corrects the bias of v by its own number of updates, so that a fixed v stays fixed",
    "AdaFix starts with L = 0, so the first step always updates v; L is estimated on every step",
    "AdaFix takes its second gradient on the same minibatch with the same augmentation and random state; "
    "batch normalization's running statistics move once a step; it counts as a gradient evaluation",
)
