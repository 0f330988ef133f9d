"""The torch vocabulary: architectures, transforms, weights, the predictor.

Importing this room loads no torch: card, transform, predictor and the compiled graph do without. Whoever imports
torchvision later gets it by way of :mod:`busi_viewer.nets.vision`.
"""

from busi_viewer.nets import vision as vision
