"""The torch vocabulary: architectures, transforms, weights, the predictor.

Importing this room makes torchvision importable first (see :mod:`busi_viewer.nets.vision`), for timm and its kin need it.
"""

from busi_viewer.nets import vision as vision
