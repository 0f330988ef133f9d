"""What the reader says of the image in view: fields for each lesion and for the image, notices, and signing."""
