"""The torch vocabulary: architectures, transforms, losses, weights, the predictor."""
