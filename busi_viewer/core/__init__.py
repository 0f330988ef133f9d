"""The words every room speaks: images, masks, measurements, results, ports."""
